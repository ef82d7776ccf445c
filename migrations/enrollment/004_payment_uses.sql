-- Beyond the specification: what became of each payment. The primary key is the rule that a payment
-- buys one place: `enrollments` cannot hold it, since an adopted database may name a payment twice
-- (the first place then counts as the one that it bought). Whoever decides about a payment locks its
-- row first, so that a purchase and a refund come one after the other.
create table if not exists payment_uses (
    payment_id    uuid primary key,
    -- The place that it bought; null when there is none.
    enrollment_id uuid,
    -- enrolled: it bought a place. rejected: the student was on the course already, and the payment
    -- is to go back. refunded: it has gone back. With the last two it can buy nothing any more.
    state         text not null default 'enrolled',
    constraint payment_uses_known_state check (state in ('enrolled', 'rejected', 'refunded'))
);

insert into payment_uses (payment_id, enrollment_id)
select distinct on (payment_id) payment_id, id
from enrollments
where payment_id is not null
order by payment_id, enrolled_at, id
on conflict (payment_id) do nothing;
