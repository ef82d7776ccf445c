-- The remedy for slow lists: a student's and a course's enrollments, newest first.
create index if not exists enrollments_by_student on enrollments (student_id, enrolled_at desc, id desc);
create index if not exists enrollments_by_course on enrollments (course_id, enrolled_at desc, id desc);
