-- Beyond the specification: `createCourse` with an idempotency key makes one course, however often it is repeated.
create table if not exists create_course_requests (
    teacher_id      uuid not null,
    idempotency_key varchar(255) not null,
    -- It may have been deleted since.
    course_id       uuid not null,
    -- SHA-256 of the input, to recognize another one.
    input_hash      bytea not null,
    constraint create_course_requests_one_per_key primary key (teacher_id, idempotency_key)
);
