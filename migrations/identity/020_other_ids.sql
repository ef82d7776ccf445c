-- Beyond the specification: a list is ordered by id alone while every id of its table contains its row's time (a
-- UUIDv7 of that millisecond), and by time and id otherwise. Which it is, a page's own statement reads here, so that a
-- row that somebody inserts by hand is at its place at once, in every process. Without a primary key: this table may be
-- replicated or restored beside its triggers, and two rows of a table say no more than one.
create table if not exists tables_with_other_ids (
    table_name text not null
);

create or replace function id_holds_time(id uuid, created timestamptz) returns boolean
    language sql stable parallel safe
    return substr(id::text, 15, 1) = '7'
        and ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint = extract(epoch from created) * 1000;

-- With its owner's rights: who inserts a row may know only the specification.
create or replace function record_other_id() returns trigger
    language plpgsql security definer set search_path from current
    as $$ begin
        insert into tables_with_other_ids
        select tg_argv[0] where not exists (select from tables_with_other_ids where table_name = tg_argv[0]);
        return null;
    end $$;

create or replace trigger users_other_ids after insert or update of id, created_at on users
    for each row when (not id_holds_time(new.id, new.created_at)) execute function record_other_id('users');
-- Also for rows that come by replication.
alter table users enable always trigger users_other_ids;

insert into tables_with_other_ids
select 'users'
where exists (select from users where not id_holds_time(id, created_at))
    and not exists (select from tables_with_other_ids where table_name = 'users');
