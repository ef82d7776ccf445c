insert into courses (id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at) values
    ('5b1f0c3e-2d4a-4b6c-8e7f-9a0b1c2d3e41', '3f1d2c4b-8f1e-4c57-9d0a-0f6a1b2c3d41', 'Rust', 'From the beginning', true, null, 90, 'beginner', '2025-04-01 10:00:00.123456+00'),
    ('e4d3c2b1-a09f-4e8d-9c7b-6a5f4e3d2c52', '3f1d2c4b-8f1e-4c57-9d0a-0f6a1b2c3d41', 'Graphs', '', false, 49.90, 0, 'advanced', '2025-04-01 10:00:00.123456+00');
