-- A payment is redeemed for one enrollment.
do $$ begin
    if to_regclass('payment_redemptions') is null then
        alter table payment_uses rename to payment_redemptions;
        alter table payment_redemptions rename constraint payment_uses_pkey to payment_redemptions_pkey;
        alter table payment_redemptions rename constraint payment_uses_known_state to payment_redemptions_known_state;
    else
        -- The earlier files have run again, and made the old table once more.
        drop table if exists payment_uses;
    end if;
end $$;
