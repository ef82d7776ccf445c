-- Teachers waiting for verification, oldest first.
create index if not exists users_unverified_teachers on users (created_at, id) where role = 'teacher' and not is_verified;
