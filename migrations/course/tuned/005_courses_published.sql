-- The remedy for a slow count, and for slow lists by title and by price: the expressions are those of the orders. In the
-- collation C every server and every version of one sorts alike.
create index if not exists courses_published on courses (created_at desc, id desc) where state = 'published';
-- The remedy for a slow list of the newest where many drafts or withdrawn courses are newer.
create index if not exists courses_published_by_id on courses (id desc) where state = 'published';
create index if not exists courses_by_title on courses ((lower(title) collate "C"), id) where state = 'published';
create index if not exists courses_by_price on courses
    ((case when is_free then 0 else (greatest(coalesce(price, 0), 0) * 100)::bigint end), id) where state = 'published';
