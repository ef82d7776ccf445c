-- The names of the field: an event that is given up is dead-lettered, and a retry is an attempt. The tables have new names,
-- too, so that the earlier files can still run again.
do $$ begin
    if to_regclass('inbox_events') is null then
        alter table inbox rename to inbox_events;
        alter table inbox_events rename column tries to attempts;
        alter table inbox_events rename column next_try_at to next_attempt_at;
        alter table inbox_events rename column set_aside_at to dead_lettered_at;
        alter table inbox_events rename constraint inbox_pkey to inbox_events_pkey;
        alter table inbox_events rename constraint inbox_event_id_key to inbox_events_event_id_key;
        alter index inbox_waiting rename to inbox_events_pending;
        alter index inbox_waiting_by_subject rename to inbox_events_pending_by_subject;
        alter index inbox_processed rename to inbox_events_processed;
        alter index inbox_set_aside rename to inbox_events_dead_lettered;
        alter sequence inbox_position_seq rename to inbox_events_position_seq;
    else
        -- The earlier files have run again, and made the old table once more.
        drop table if exists inbox;
    end if;
end $$;
