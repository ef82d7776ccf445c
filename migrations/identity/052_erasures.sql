-- Beyond the specification: deleted accounts. Of the account itself a row with a pseudonym remains, for the objects that
-- refer to it: nobody can sign in to it, and no list has it.
alter table users add column if not exists erased_at timestamptz;

-- What became of a deletion. Whoever has the id may see it, so it names nobody.
create table if not exists erasures (
    id           uuid primary key,
    requested_at timestamptz not null,
    -- An admin's words, until the erasure is complete.
    reason       varchar(500),
    completed_at timestamptz
);

-- What each service says it has erased, with its signature.
create table if not exists erasure_receipts (
    erasure_id uuid not null references erasures (id) on delete cascade,
    service    text not null,
    erased_at  timestamptz not null,
    tables     jsonb not null,
    signature  text not null,
    primary key (erasure_id, service)
);
