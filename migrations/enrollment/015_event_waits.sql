-- Since when an event has been waiting for its cause: since the first attempt to handle it, which in a backlog is long after
-- its receipt.
alter table inbox_events add column if not exists waits_since timestamptz;
