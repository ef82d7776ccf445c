-- left: the student left the course, and may come back with the payment. removed: the student was removed, and the payment
-- buys nothing any more until it is refunded. Neither is refunded automatically.
alter table payment_redemptions drop constraint if exists payment_redemptions_known_state;
alter table payment_redemptions add constraint payment_redemptions_known_state
    check (state in ('enrolled', 'left', 'removed', 'rejected', 'refunded'));
