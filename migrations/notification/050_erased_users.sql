-- Beyond the specification: whose accounts were deleted. While a token of the user could still be valid, the service knows
-- under which pseudonym the rest of the user's rows are kept; then it forgets who that was, and the pseudonym remains.
create table if not exists erased_users (
    pseudonym  uuid primary key,
    -- Both null once the service has erased everything.
    user_id    uuid unique,
    erasure_id uuid unique,
    -- When to look for rows that came late, and to forget the user.
    forget_at  timestamptz not null,
    -- What was erased until now, by table.
    tables     jsonb not null default '[]'
);

create index if not exists erased_users_due on erased_users (forget_at) where user_id is not null;
