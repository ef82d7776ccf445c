-- Two accounts of which only letter case tells the addresses apart, twice: once with one of them in lower case.
insert into users (id, email, password_hash, name, role, is_verified, created_at) values
    ('3f1d2c4b-8f1e-4c57-9d0a-0f6a1b2c3d41', 'Alice@Example.com', '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW', 'Alice', 'teacher', true, '2025-03-01 10:00:00.123456+00'),
    ('b7a0e9d2-54c1-4f0b-8a63-5d1f2e3c4b52', 'bob@example.com', '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW', 'Bob', 'student', false, '2025-03-01 10:00:00.123456+00'),
    ('0c9b8a7d-6e5f-4a3b-9c2d-1e0f9a8b7c63', 'Carol@Example.com', '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW', 'Carol', 'student', false, '2025-03-02 10:00:00+00'),
    ('9e8d7c6b-5a4f-4e3d-8c2b-1a0f9e8d7c74', 'carol@example.com', '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW', 'Another Carol', 'student', false, '2025-03-03 10:00:00+00'),
    ('12345678-9abc-4def-8123-456789abcd85', 'Dave@Example.com', '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW', 'Dave', 'student', false, '2025-03-04 10:00:00+00'),
    ('fedcba98-7654-4321-9fed-cba987654396', 'DAVE@example.com', '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW', 'Another Dave', 'teacher', false, '2025-03-05 10:00:00+00');
