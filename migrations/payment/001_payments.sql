-- What students paid. Student and course live in other databases, so there are no foreign keys.
do $$ begin
    create type payment_status as enum ('pending', 'completed', 'failed', 'refunded');
exception
    when duplicate_object then null;
end $$;

create table if not exists payments (
    id         uuid primary key default gen_random_uuid(),
    student_id uuid not null,
    course_id  uuid not null,
    amount     numeric(12, 2) not null,
    status     payment_status not null default 'completed',
    created_at timestamptz not null default now()
);
