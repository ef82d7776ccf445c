-- The remedy for finding the enrollment that a payment bought by reading the whole table.
create index if not exists enrollments_by_payment on enrollments (payment_id) where payment_id is not null;
