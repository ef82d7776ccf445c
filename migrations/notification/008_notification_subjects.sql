-- Beyond the specification: what a notification is about, so that a front end can lead there. Null for notifications about
-- nothing in particular, and for those of before. The object is another service's, so there is no foreign key.
do $$ begin
    create type notification_subject as enum ('course', 'payment', 'enrollment');
exception
    when duplicate_object then null;
end $$;

alter table notifications add column if not exists subject_type notification_subject;
alter table notifications add column if not exists subject_id uuid;

do $$ begin
    alter table notifications add constraint notifications_subject_has_type_and_id
        check ((subject_type is null) = (subject_id is null));
exception
    when duplicate_object then null;
end $$;
