-- Beyond the specification: mails, written in the transaction of their cause, and sent by a worker.
create table if not exists mails (
    id              uuid primary key,
    -- Whom it concerns: it is deleted with the account.
    user_id         uuid not null references users (id) on delete cascade,
    recipient       text not null,
    subject         text not null,
    -- May hold a token. Null once an SMTP server has accepted the mail, or once it has expired.
    body            text,
    created_at      timestamptz not null default now(),
    -- After this time it is of no use any more, and is not sent.
    expires_at      timestamptz not null,
    attempts        integer not null default 0,
    -- While an attempt is being made, the time at which another process may make the next one.
    next_attempt_at timestamptz not null default now(),
    sent_at         timestamptz,
    failed_at       timestamptz,
    -- Why the last attempt failed.
    reason          text
);

create index if not exists mails_pending on mails (next_attempt_at) where sent_at is null and failed_at is null;
create index if not exists mails_by_user on mails (user_id, created_at);
-- To clean up.
create index if not exists mails_done on mails (coalesce(sent_at, failed_at)) where coalesce(sent_at, failed_at) is not null;
