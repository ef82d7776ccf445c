-- What a row is: a request, which is tried until the provider has answered.
do $$ begin
    if to_regclass('refund_requests') is null then
        alter table refunds rename to refund_requests;
        alter table refund_requests rename column settle_at to next_attempt_at;
        alter table refund_requests rename column tries to attempts;
        alter table refund_requests rename constraint refunds_pkey to refund_requests_pkey;
        alter table refund_requests rename constraint refunds_payment_id_fkey to refund_requests_payment_id_fkey;
        alter index refunds_to_settle rename to refund_requests_due;
    else
        -- The earlier files have run again, and made the old table once more.
        drop table if exists refunds;
    end if;
end $$;
