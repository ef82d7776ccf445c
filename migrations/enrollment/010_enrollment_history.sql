-- Beyond the specification: what happened to a student's place on a course, in the order in which it happened. An
-- enrollment is deleted when it ends; its history stays, and brings back a completion when the student comes back.
do $$ begin
    create type enrollment_change as enum ('enrolled', 'granted', 'status_changed', 'left', 'removed', 'refunded');
exception
    when duplicate_object then null;
end $$;

create table if not exists enrollment_history (
    position      bigint generated always as identity primary key,
    enrollment_id uuid not null,
    student_id    uuid not null,
    course_id     uuid not null,
    kind          enrollment_change not null,
    -- After the change; if it ended the enrollment, when it ended.
    status        enrollment_status not null,
    completed_at  timestamptz,
    -- Null for what an event of a payment did.
    changed_by    uuid,
    reason        varchar(500),
    changed_at    timestamptz not null
);

create index if not exists enrollment_history_by_student on enrollment_history (student_id, position desc);
create index if not exists enrollment_history_by_course on enrollment_history (course_id, position desc);

-- Of what is older than this table, only the beginning is known.
insert into enrollment_history (enrollment_id, student_id, course_id, kind, status, changed_at)
select id, student_id, course_id, 'enrolled', 'enrolled', enrolled_at
from enrollments
where not exists (select from enrollment_history where enrollment_id = enrollments.id)
order by enrolled_at, id;
