-- A student's place on a course, at most one per course. Student, course and payment live in
-- other databases, so there are no foreign keys.
do $$ begin
    create type enrollment_status as enum ('enrolled', 'in_progress', 'completed');
exception
    when duplicate_object then null;
end $$;

create table if not exists enrollments (
    id          uuid primary key default gen_random_uuid(),
    student_id  uuid not null,
    course_id   uuid not null,
    payment_id  uuid,
    status      enrollment_status not null default 'enrolled',
    enrolled_at timestamptz not null default now(),
    unique (student_id, course_id)
);
