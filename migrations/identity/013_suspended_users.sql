-- Beyond the specification: since when a user is suspended, who can then neither sign in nor refresh a session.
alter table users add column if not exists suspended_at timestamptz;
