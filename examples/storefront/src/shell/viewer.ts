import { useQuery } from 'urql';
import { useUserId } from '../client/session';
import { ViewerDocument, type ViewerQuery } from '../gql/graphql';

export type Viewer = NonNullable<ViewerQuery['me']>;

/** Who is signed in: `undefined` while that loads, null if nobody is. */
export function useViewer(): Viewer | null | undefined {
  const userId = useUserId();
  const [{ data }] = useQuery({ query: ViewerDocument, pause: userId === null });
  return userId === null ? null : (data?.me ?? undefined);
}
