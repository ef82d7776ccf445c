-- What was deleted long ago, which goes; and where a user's newest deleted notification was, which the next one follows.
create index if not exists deleted_notifications_by_deletion on deleted_notifications (deleted_at);
create index if not exists deleted_notifications_by_user on deleted_notifications (user_id, created_at);
