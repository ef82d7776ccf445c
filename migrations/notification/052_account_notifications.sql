-- Beyond the specification: users are told when the export of their data is ready.
alter type notification_type add value if not exists 'account';
