-- What the platform has to tell a user. The user lives in the identity database, so there is no
-- foreign key.
do $$ begin
    create type notification_type as enum ('registration', 'enrollment', 'payment');
exception
    when duplicate_object then null;
end $$;

create table if not exists notifications (
    id         uuid primary key default gen_random_uuid(),
    user_id    uuid not null,
    type       notification_type not null,
    title      varchar(500) not null,
    body       text not null default '',
    is_read    boolean not null default false,
    created_at timestamptz not null default now()
);
