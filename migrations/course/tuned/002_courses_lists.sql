-- The remedy for slow lists: newest first, of all teachers and of one.
create index if not exists courses_newest_first on courses (created_at desc, id desc);
create index if not exists courses_by_teacher on courses (teacher_id, created_at desc, id desc);
