insert into enrollments (id, student_id, course_id, payment_id, status, enrolled_at) values
    ('a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c51', 'b7a0e9d2-54c1-4f0b-8a63-5d1f2e3c4b52', '5b1f0c3e-2d4a-4b6c-8e7f-9a0b1c2d3e41', null, 'in_progress', '2025-05-01 10:00:00.123456+00'),
    ('b2c3d4e5-f6a7-4b8c-9d0e-1f2a3b4c5d62', 'b7a0e9d2-54c1-4f0b-8a63-5d1f2e3c4b52', 'e4d3c2b1-a09f-4e8d-9c7b-6a5f4e3d2c52', 'c3d4e5f6-a7b8-4c9d-8e0f-2a3b4c5d6e73', 'enrolled', '2025-05-01 10:00:00.123456+00');
