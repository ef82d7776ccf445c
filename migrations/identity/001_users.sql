-- The people of the platform: students and teachers sign in by e-mail address.
create table if not exists users (
    id            uuid primary key default gen_random_uuid(),
    email         varchar(255) not null unique,
    password_hash varchar(255) not null,
    name          varchar(255) not null,
    created_at    timestamptz not null default now()
);
