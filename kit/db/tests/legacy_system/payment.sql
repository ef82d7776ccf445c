insert into payments (id, student_id, course_id, amount, status, created_at) values
    ('c3d4e5f6-a7b8-4c9d-8e0f-2a3b4c5d6e73', 'b7a0e9d2-54c1-4f0b-8a63-5d1f2e3c4b52', 'e4d3c2b1-a09f-4e8d-9c7b-6a5f4e3d2c52', 49.90, 'completed', '2025-05-01 10:00:00.123456+00'),
    ('d4e5f6a7-b8c9-4d0e-9f1a-3b4c5d6e7f84', '0c9b8a7d-6e5f-4a3b-9c2d-1e0f9a8b7c63', 'e4d3c2b1-a09f-4e8d-9c7b-6a5f4e3d2c52', 49.90, 'refunded', '2025-05-02 10:00:00+00');
