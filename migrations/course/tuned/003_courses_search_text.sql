-- ILIKE lower-cases all of each text that it looks at, which is most of what a search takes, also with the index of
-- 001: it rereads whatever that finds. Here each course is lower-cased once, when it is written, title and description
-- on lines of their own. A subgraph that starts with this column searches in it; others go on with the index of 001.
-- The table is written anew, and nobody reads it meanwhile.
alter table courses add column if not exists search_text text
    generated always as (lower(title) || chr(10) || lower(description)) stored;
