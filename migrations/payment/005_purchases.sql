-- Beyond the specification: what it takes to sell a course once, whatever crashes. A row belongs to a
-- payment that `purchaseCourse` made; payments of the earlier system and of the seed have none.
create table if not exists purchases (
    payment_id      uuid primary key references payments (id),
    student_id      uuid not null,
    course_id       uuid not null,
    idempotency_key varchar(255) not null,
    expected_amount numeric(12, 2),
    course_title    varchar(500) not null,
    -- The payment is pending or completed: the course is sold to this student.
    stands          boolean not null default true,
    -- When to ask the provider next what became of the money; null once that is known.
    settle_at       timestamptz,
    tries           integer not null default 0,
    -- A key is one intent to buy.
    constraint purchases_one_per_key unique (student_id, idempotency_key)
);

-- A student buys a course once.
create unique index if not exists purchases_one_that_stands on purchases (student_id, course_id) where stands;
create index if not exists purchases_to_settle on purchases (settle_at) where settle_at is not null;
