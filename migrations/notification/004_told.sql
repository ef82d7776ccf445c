-- Beyond the specification: what users have been told of, so that an event of a type about a thing makes
-- one notification, however often and under whatever id it is told.
create table if not exists told (
    type    text not null,
    subject uuid not null,
    primary key (type, subject)
);
