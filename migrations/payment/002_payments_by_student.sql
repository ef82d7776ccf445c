-- Beyond the specification, which is silent on this table's indexes: a student's payments are
-- listed newest first.
create index if not exists payments_by_student on payments (student_id, created_at desc, id desc);
