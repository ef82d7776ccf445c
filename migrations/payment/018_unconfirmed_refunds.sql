-- False while it is being asked whether the refund takes a completion of the course away, which the admin has not confirmed.
-- The row is there first, so that no completion can come between the answer and the request. Nothing is refunded meanwhile.
alter table refund_requests add column if not exists is_confirmed boolean not null default true;
