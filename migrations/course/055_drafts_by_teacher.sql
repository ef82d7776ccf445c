-- Beyond the specification: a teacher has a limited number of drafts. They are counted when one more is created; there are few
-- drafts beside all courses.
create index if not exists courses_drafts_by_teacher on courses (teacher_id) where state = 'draft';
