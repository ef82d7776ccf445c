-- Beyond the specification: what this service has to tell the others, written in the transaction of
-- the change. One row is one event on its way to one destination.
create table if not exists outbox (
    position     bigint generated always as identity primary key,
    event_id     uuid not null,
    destination  text not null,
    type         text not null,
    subject      uuid not null,
    -- CloudEvents 1.0.
    event        jsonb not null,
    written_at   timestamptz not null default now(),
    tries        integer not null default 0,
    delivered_at timestamptz,
    -- It was refused; why is in `reason`.
    set_aside_at timestamptz,
    reason       text,
    unique (event_id, destination)
);

-- What waits, in order; what waits before it; and what can go.
create index if not exists outbox_waiting on outbox (destination, position)
    where delivered_at is null and set_aside_at is null;
create index if not exists outbox_waiting_by_subject on outbox (destination, subject, position)
    where delivered_at is null and set_aside_at is null;
create index if not exists outbox_delivered on outbox (delivered_at) where delivered_at is not null;
