-- Beyond the specification: a second factor for signing in, by an app that shows a new code every 30 seconds (TOTP, RFC 6238).

-- Since when signing in needs it. In the user's own row, so that a sign-in at the same moment as a change finds the change.
alter table users add column if not exists second_factor_enabled_at timestamptz;

create table if not exists second_factors (
    user_id    uuid primary key references users (id) on delete cascade,
    -- The secret that the app shares, encrypted for this user.
    secret     bytea not null,
    -- Until it is enabled, it can be for a short time from here on.
    created_at timestamptz not null default now(),
    -- The time step of the last code that was accepted: each code works once.
    last_step  bigint not null default 0
);

-- For whoever has lost the app. Each works once.
create table if not exists recovery_codes (
    user_id   uuid not null references second_factors (user_id) on delete cascade,
    -- SHA-256 of the user's id and the code.
    code_hash bytea not null,
    primary key (user_id, code_hash)
);
