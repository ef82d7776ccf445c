import type { AccountQuery } from '../gql/graphql';

/** Who looks at their account. */
export type Me = NonNullable<AccountQuery['me']>;
