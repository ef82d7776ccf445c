-- Beyond the specification: on its way through NATS an event stays in the outbox until the service that it
-- is for says that it has it. How often it was sent, and when it is sent again.
alter table outbox
    add column if not exists sent integer not null default 0,
    add column if not exists next_try_at timestamptz not null default now();

-- What was addressed to NATS, which told everybody, is addressed to each service now.
with addressed_to_nats as (
    delete from outbox where destination = 'nats' and delivered_at is null
    returning position, event_id, type, subject, event, written_at, set_aside_at, reason
)
insert into outbox (event_id, destination, type, subject, event, written_at, set_aside_at, reason)
select event_id, destination, type, subject, event, written_at, set_aside_at, reason
from addressed_to_nats
cross join lateral unnest(case
    when type like 'lyceum.payment.%' then array['enrollment', 'notification']
    when type = 'lyceum.enrollment.rejected' then array['payment']
    else array['notification']
end) as destination
order by position
on conflict (event_id, destination) do nothing;
