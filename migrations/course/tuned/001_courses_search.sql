-- The remedy for a slow search: ILIKE '%text%' on title and description by trigrams.
create extension if not exists pg_trgm;
create index if not exists courses_search on courses using gin (title gin_trgm_ops, description gin_trgm_ops);
