-- How often all services were asked once more to erase the user, since one of them was late: others may have been done before
-- its last events came.
alter table erasures add column if not exists repeats integer not null default 0;
