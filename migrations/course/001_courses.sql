-- The catalogue. A course's teacher lives in the identity database, so there is no foreign key.
do $$ begin
    create type course_level as enum ('beginner', 'intermediate', 'advanced');
exception
    when duplicate_object then null;
end $$;

create table if not exists courses (
    id               uuid primary key default gen_random_uuid(),
    teacher_id       uuid not null,
    title            varchar(500) not null,
    description      text not null default '',
    is_free          boolean not null default true,
    price            numeric(12, 2),
    duration_minutes integer not null default 0,
    level            course_level not null default 'beginner',
    created_at       timestamptz not null default now()
);
