-- How many students somebody has enrolled lately: a teacher's grants have a limit.
create index if not exists enrollment_history_grants on enrollment_history (changed_by, changed_at)
    where kind = 'granted';
