-- A user is a student or a teacher; a teacher is verified before publishing courses.
do $$ begin
    create type user_role as enum ('student', 'teacher');
exception
    when duplicate_object then null;
end $$;

alter table users add column if not exists role user_role not null default 'student';
alter table users add column if not exists is_verified boolean not null default false;
