-- Beyond the specification, which is silent on this table's indexes: a user's notifications are
-- listed newest first, and the unread ones are counted on every page of a front end.
create index if not exists notifications_by_user on notifications (user_id, created_at desc, id desc);
create index if not exists notifications_unread_by_user on notifications (user_id, created_at desc, id desc) where not is_read;
