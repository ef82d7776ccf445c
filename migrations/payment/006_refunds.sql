-- Beyond the specification: payments that are to go back, written before the provider is asked, so that
-- no crash leaves a refund half done. A payment goes back once.
do $$ begin
    create type refund_reason as enum ('requested', 'not_enrolled');
exception
    when duplicate_object then null;
end $$;

create table if not exists refunds (
    payment_id   uuid primary key references payments (id),
    reason       refund_reason not null,
    requested_at timestamptz not null default now(),
    -- When to ask the provider next to send the money back; null once it has gone.
    settle_at    timestamptz,
    tries        integer not null default 0
);

create index if not exists refunds_to_settle on refunds (settle_at) where settle_at is not null;
