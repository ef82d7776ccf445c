-- What a payment bought is found by the primary key of payment_uses.
drop index if exists enrollments_by_payment;
