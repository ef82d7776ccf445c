-- Beyond the specification: which types of notifications a user has switched off or on again. Without a row, a type is on.
create table if not exists notification_settings (
    user_id    uuid not null,
    type       notification_type not null,
    is_enabled boolean not null,
    primary key (user_id, type)
);
