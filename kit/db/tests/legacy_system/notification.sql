insert into notifications (id, user_id, type, title, body, is_read, created_at) values
    ('e5f6a7b8-c9d0-4e1f-8a2b-4c5d6e7f8a95', 'b7a0e9d2-54c1-4f0b-8a63-5d1f2e3c4b52', 'registration', 'Welcome', '', true, '2025-03-01 10:00:00.123456+00'),
    ('f6a7b8c9-d0e1-4f2a-9b3c-5d6e7f8a9ba6', 'b7a0e9d2-54c1-4f0b-8a63-5d1f2e3c4b52', 'payment', 'Paid', '49.90 for Graphs', false, '2025-05-01 10:00:00.123456+00');
