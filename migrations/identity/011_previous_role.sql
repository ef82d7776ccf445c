-- The role that an admin had before, and has again when the rights are revoked.
do $$ begin
    if exists (
        select from pg_attribute
        where attrelid = 'users'::regclass and attname = 'previous_role' and not attisdropped
    ) then
        -- An earlier file has run again, and added the old column once more.
        alter table users drop column if exists role_before_admin;
    else
        alter table users rename column role_before_admin to previous_role;
    end if;
end $$;
