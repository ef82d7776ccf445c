-- Beyond the specification: events that were given up are few among many, and whoever watches over the system asks
-- every few seconds how many there are.
create index if not exists outbox_set_aside on outbox (position)
    where delivered_at is null and set_aside_at is not null;
create index if not exists inbox_set_aside on inbox (position)
    where processed_at is null and set_aside_at is not null;
