-- Beyond the specification: what this service has to tell the others, written in the transaction of the change. One row
-- is one event on its way to one destination.
create table if not exists outbox_events (
    position         bigint generated always as identity primary key,
    event_id         uuid not null,
    destination      text not null,
    type             text not null,
    subject          uuid not null,
    -- CloudEvents 1.0.
    event            jsonb not null,
    written_at       timestamptz not null default now(),
    attempts         integer not null default 0,
    delivered_at     timestamptz,
    -- It was rejected; why is in `reason`.
    dead_lettered_at timestamptz,
    reason           text,
    -- How often it was published to NATS, and when it is published again.
    publish_count    integer not null default 0,
    next_attempt_at  timestamptz not null default now(),
    unique (event_id, destination)
);

-- What is pending, in order; what is pending before it; what can go; and what was given up.
create index if not exists outbox_events_pending on outbox_events (destination, position)
    where delivered_at is null and dead_lettered_at is null;
create index if not exists outbox_events_pending_by_subject on outbox_events (destination, subject, position)
    where delivered_at is null and dead_lettered_at is null;
create index if not exists outbox_events_delivered on outbox_events (delivered_at) where delivered_at is not null;
create index if not exists outbox_events_dead_lettered on outbox_events (position)
    where delivered_at is null and dead_lettered_at is not null;
