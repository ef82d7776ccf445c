-- Beyond the specification: who teaches the course that was paid for, so that a teacher's sales are found. A course never
-- changes its teacher. Null for older payments until the service has asked the course subgraph, and for ever if the course
-- was deleted before.
alter table payments add column if not exists teacher_id uuid;

-- The sales of a teacher; those of a course, and whether anybody has paid for it or is about to; and the payments whose
-- teacher is not known yet.
create index if not exists payments_by_teacher on payments (teacher_id) where status = 'completed';
create index if not exists payments_by_course on payments (course_id) where status <> 'failed';
create index if not exists payments_without_teacher on payments (course_id) where teacher_id is null;
