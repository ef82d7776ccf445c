-- Beyond the specification: what the payment provider has notified this service of by webhook, each event once. Acting on it
-- and this row are one transaction.
create table if not exists provider_events (
    id          varchar(255) primary key,
    type        varchar(50) not null,
    payment_id  uuid not null references payments (id),
    received_at timestamptz not null default now()
);
