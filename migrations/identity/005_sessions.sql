-- Beyond the specification: who is signed in. One row is one session (a family of refresh tokens):
-- each refresh replaces the hash of the only token that works, so a token that names its session
-- but does not match was used before, and then the whole session ends. Ended sessions are deleted.
create table if not exists sessions (
    id                 uuid primary key,
    user_id            uuid not null references users (id) on delete cascade,
    -- SHA-256 of the refresh token; the token itself is nowhere.
    refresh_token_hash bytea not null,
    created_at         timestamptz not null default now(),
    expires_at         timestamptz not null
);

-- To end all the sessions of a user, and to clean up.
create index if not exists sessions_by_user on sessions (user_id);
create index if not exists sessions_by_expiry on sessions (expires_at);
