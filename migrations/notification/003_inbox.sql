-- Beyond the specification: what other services have told this one, each event once. Acting on it and
-- marking it as processed is one transaction.
create table if not exists inbox (
    position     bigint generated always as identity primary key,
    event_id     uuid not null unique,
    type         text not null,
    subject      uuid not null,
    -- CloudEvents 1.0.
    event        jsonb not null,
    received_at  timestamptz not null default now(),
    tries        integer not null default 0,
    next_try_at  timestamptz not null default now(),
    processed_at timestamptz,
    -- It failed too often; why is in `reason`.
    set_aside_at timestamptz,
    reason       text
);

-- What waits, in order; what waits before it; and what can go.
create index if not exists inbox_waiting on inbox (position) where processed_at is null and set_aside_at is null;
create index if not exists inbox_waiting_by_subject on inbox (subject, position)
    where processed_at is null and set_aside_at is null;
create index if not exists inbox_processed on inbox (processed_at) where processed_at is not null;
