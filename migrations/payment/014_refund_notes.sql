-- Beyond the specification: what the admin said about a refund, for the student. (`reason` is the kind of the refund.)
alter table refund_requests add column if not exists note varchar(500);
