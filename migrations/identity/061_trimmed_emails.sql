-- Beyond the specification: addresses are stored without blanks around them, since who signs in is looked up without them.
-- Where the legacy system has let in both, both stay as they are, and each signs in by the address as it was written.
-- Compatible since: 055
with trimmed as (
    -- All of Unicode's.
    select id, lower(btrim(email, U&'\0009\000A\000B\000C\000D\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000')) as email
    from users
)
update users
set email = trimmed.email
from trimmed
where trimmed.id = users.id
  and trimmed.email <> lower(users.email)
  and not exists (select from trimmed other where other.id <> users.id and other.email = trimmed.email);
