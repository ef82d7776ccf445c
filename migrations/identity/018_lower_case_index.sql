-- Beyond the specification: an address is taken, and its owner found, in any letter case, also where the legacy system has
-- left it as typed. Not unique: of two accounts that differ in letter case alone, both stay (004).
create index if not exists users_by_lower_email on users (lower(email));
