-- Beyond the specification: what a mail's link proves. Whoever has the token has read the mail.
do $$ begin
    create type email_token_purpose as enum ('password_reset', 'email_verification', 'email_change');
exception when duplicate_object then null;
end $$;

create table if not exists email_tokens (
    -- SHA-256 of the token; the token itself is in the mail alone.
    token_hash bytea primary key,
    user_id    uuid not null references users (id) on delete cascade,
    purpose    email_token_purpose not null,
    -- The address that the mail went to.
    email      varchar(255) not null,
    expires_at timestamptz not null
);

create index if not exists email_tokens_by_user on email_tokens (user_id);
create index if not exists email_tokens_by_expiry on email_tokens (expires_at);

-- Who has asked for a new password, by the address as it was typed. A worker looks for the account, so that the answer takes
-- as long if there is none.
create table if not exists password_reset_requests (
    id         uuid primary key,
    email      text not null,
    created_at timestamptz not null default now()
);

-- Since when the address is known to be the user's own.
alter table users add column if not exists email_verified_at timestamptz;

-- Replaces a user's address, unless another account has it, in one of these forms. A function, since an error that is handled
-- here does not write the taken address into the server's log.
create or replace function replace_user_email(id uuid, new_email text, forms text[]) returns boolean
    language plpgsql set search_path from current
    as $$ begin
        update users set email = new_email, email_verified_at = now()
        where users.id = replace_user_email.id
          and not exists (
              select from users other where other.id <> replace_user_email.id and lower(other.email) = any(forms)
          );
        return found;
    exception when unique_violation then
        return false;
    end $$;
