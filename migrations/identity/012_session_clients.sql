-- Beyond the specification: which sessions a user has, and where they were last used. `public_id` names a session to its
-- user; `id` is part of the refresh token, and whoever knows it can end the session.
alter table sessions
    add column if not exists public_id uuid not null default gen_random_uuid(),
    add column if not exists user_agent text,
    -- When it was refreshed last; for older sessions, the time of this migration.
    add column if not exists last_used_at timestamptz not null default now();

create unique index if not exists sessions_by_public_id on sessions (public_id);

-- A refresh token that is used a second time within some seconds, by the same client, gets the same successor: another tab
-- was faster, or the answer was lost. The successor is derived from the token, which is nowhere, and this salt.
alter table sessions
    add column if not exists previous_token_hash bytea,
    add column if not exists successor_salt bytea,
    -- A MAC of the client, by the token.
    add column if not exists refreshed_by bytea;
