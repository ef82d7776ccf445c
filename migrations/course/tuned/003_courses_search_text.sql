-- ILIKE lower-cases all of each text that it looks at, which is most of what a search takes, also with the index of
-- 001: it rereads whatever that finds. Here each course is lower-cased once, when it is written, title and description
-- on lines of their own. A subgraph that finds this column searches in it; one of an earlier version reads the table.
alter table courses add column if not exists search_text text
    generated always as (lower(title) || chr(10) || lower(description)) stored;
create index if not exists courses_search_text on courses using gin (search_text gin_trgm_ops);
drop index if exists courses_search;
-- Without knowing how frequent words are, the planner reads all courses for a rare one.
analyze courses (search_text);
