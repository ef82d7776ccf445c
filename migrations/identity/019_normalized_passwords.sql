-- Beyond the specification: whether `password_hash` is that of the normalized password (NFKC). Hashes of the legacy system
-- and of earlier versions are of the password as it was typed; the next sign-in replaces them.
alter table users add column if not exists password_is_normalized boolean not null default false;
