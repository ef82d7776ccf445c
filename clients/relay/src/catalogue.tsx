import { Suspense, useEffect } from 'react';
import { graphql, RelayEnvironmentProvider, useLazyLoadQuery, usePaginationFragment } from 'react-relay';
import type { Environment } from 'relay-runtime';
import type { catalogue_courses$key } from './__generated__/catalogue_courses.graphql';
import type { catalogueQuery } from './__generated__/catalogueQuery.graphql';

// docs:paging
const COURSES = graphql`
  fragment catalogue_courses on Query
  @refetchable(queryName: "cataloguePageQuery")
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" }) {
    courses(filter: { isFree: false }, orderBy: TITLE, first: $first, after: $after)
      @connection(key: "catalogue_courses") {
      edges {
        node {
          id
          title
          price
        }
      }
    }
  }
`;

export interface Shown {
  courses: { id: string; title: string; price: string | null }[];
  hasNext: boolean;
  loadNext: (count: number) => void;
}

/** The list of paid courses, which grows page by page. */
function Courses({ onShow }: { onShow: (shown: Shown) => void }) {
  const query = useLazyLoadQuery<catalogueQuery>(
    graphql`
      query catalogueQuery {
        ...catalogue_courses @arguments(first: 10)
      }
    `,
    {},
  );
  const { data, hasNext, loadNext } = usePaginationFragment<catalogueQuery, catalogue_courses$key>(
    COURSES,
    query,
  );
  const courses = (data.courses?.edges ?? []).map(({ node }) => ({ ...node, price: node.price ?? null }));
  useEffect(() => onShow({ courses, hasNext, loadNext }));
  return (
    <ul>
      {courses.map(({ id, title }) => (
        <li key={id}>{title}</li>
      ))}
    </ul>
  );
}
// docs:end

export function Catalogue({
  environment,
  onShow,
}: {
  environment: Environment;
  onShow: (shown: Shown) => void;
}) {
  return (
    <RelayEnvironmentProvider environment={environment}>
      <Suspense fallback="Loading…">
        <Courses onShow={onShow} />
      </Suspense>
    </RelayEnvironmentProvider>
  );
}
