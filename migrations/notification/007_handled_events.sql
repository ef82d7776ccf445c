-- The events that have become a notification.
do $$ begin
    if to_regclass('handled_events') is null then
        alter table told rename to handled_events;
        alter table handled_events rename constraint told_pkey to handled_events_pkey;
    else
        -- The earlier files have run again, and made the old table once more.
        drop table if exists told;
    end if;
end $$;
