-- Beyond the specification: what other services have told this one, each event once. Handling it and marking it as
-- processed is one transaction.
create table if not exists inbox_events (
    position         bigint generated always as identity primary key,
    event_id         uuid not null unique,
    type             text not null,
    subject          uuid not null,
    -- CloudEvents 1.0; empty once a user whom it named was erased.
    event            jsonb not null,
    received_at      timestamptz not null default now(),
    attempts         integer not null default 0,
    next_attempt_at  timestamptz not null default now(),
    -- Since when it has been waiting for its cause.
    waits_since      timestamptz,
    processed_at     timestamptz,
    -- It failed too often; why is in `reason`.
    dead_lettered_at timestamptz,
    reason           text
);

-- What is pending, in order; what is pending before it; what can go; and what was given up.
create index if not exists inbox_events_pending on inbox_events (position)
    where processed_at is null and dead_lettered_at is null;
create index if not exists inbox_events_pending_by_subject on inbox_events (subject, position)
    where processed_at is null and dead_lettered_at is null;
create index if not exists inbox_events_processed on inbox_events (processed_at) where processed_at is not null;
create index if not exists inbox_events_dead_lettered on inbox_events (position)
    where processed_at is null and dead_lettered_at is not null;
