-- Beyond the specification: users are told of sign-ins from clients that they have not used before.
alter type notification_type add value if not exists 'security';
