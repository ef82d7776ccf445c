-- Beyond the specification: what an admin was before, and is again when that is taken back.
alter table users add column if not exists role_before_admin user_role;
