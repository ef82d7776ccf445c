-- Beyond the specification: the provider may refuse for good to give a payment back. Then the payment stays
-- completed, and a person has to see to it.
alter table refunds add column if not exists refused_at timestamptz;
