-- Beyond the specification: what users get when they ask for all of their data. One a user, and for some days only.
create table if not exists data_exports (
    id              uuid primary key,
    user_id         uuid not null references users (id) on delete cascade,
    requested_at    timestamptz not null,
    attempts        integer not null default 0,
    -- When to try next to collect the data; null once they are here.
    next_attempt_at timestamptz,
    -- JSON.
    content         text,
    -- When it is deleted.
    expires_at      timestamptz not null,
    -- SHA-256 of the only token that gets it; the token itself is nowhere.
    link_hash       bytea unique,
    link_expires_at timestamptz,
    constraint data_exports_one_per_user unique (user_id)
);

create index if not exists data_exports_due on data_exports (next_attempt_at) where next_attempt_at is not null;
create index if not exists data_exports_by_expiry on data_exports (expires_at);
