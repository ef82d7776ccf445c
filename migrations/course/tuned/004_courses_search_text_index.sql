-- After 003, by itself, so that courses are read while it is built.
create index if not exists courses_search_text on courses using gin (search_text gin_trgm_ops);
-- Without knowing how frequent words are, the planner reads all courses for a rare one.
analyze courses (search_text);
