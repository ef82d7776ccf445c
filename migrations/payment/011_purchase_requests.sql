-- What a row is: a request, which is tried until it is settled. It is active while the student owns the course or is about
-- to, and `next_attempt_at` says when the reconciler asks the provider next.
do $$ begin
    if to_regclass('purchase_requests') is null then
        alter table purchases rename to purchase_requests;
        alter table purchase_requests rename column stands to is_active;
        alter table purchase_requests rename column settle_at to next_attempt_at;
        alter table purchase_requests rename column tries to attempts;
        alter table purchase_requests rename constraint purchases_pkey to purchase_requests_pkey;
        alter table purchase_requests rename constraint purchases_one_per_key to purchase_requests_one_per_key;
        alter table purchase_requests rename constraint purchases_payment_id_fkey to purchase_requests_payment_id_fkey;
        alter index purchases_one_that_stands rename to purchase_requests_one_active;
        alter index purchases_to_settle rename to purchase_requests_due;
    else
        -- The earlier files have run again, and made the old table once more.
        drop table if exists purchases;
    end if;
end $$;
