-- Beyond the specification: a course is prepared as a draft, published, and withdrawn. The rows that exist are published.
do $$ begin
    create type course_state as enum ('draft', 'published', 'withdrawn');
exception
    when duplicate_object then null;
end $$;

alter table courses
    add column if not exists state course_state not null default 'published',
    -- Then only an admin can publish it again.
    add column if not exists withdrawn_by_admin boolean not null default false,
    -- Since when it is withdrawn only because it is being deleted; it is published again if it cannot be.
    add column if not exists deletion_began_at timestamptz;
