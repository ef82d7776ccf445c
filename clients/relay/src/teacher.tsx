import { useEffect } from 'react';
import { graphql, useLazyLoadQuery, usePaginationFragment, useRefetchableFragment } from 'react-relay';
import type { teacher_courses$key } from './__generated__/teacher_courses.graphql';
import type { teacher_details$key } from './__generated__/teacher_details.graphql';
import type { teacherCourseQuery } from './__generated__/teacherCourseQuery.graphql';
import type { teacherDetailsQuery } from './__generated__/teacherDetailsQuery.graphql';
import type { teacherPageQuery } from './__generated__/teacherPageQuery.graphql';

// docs:node
const COURSES = graphql`
  fragment teacher_courses on User
  @refetchable(queryName: "teacherPageQuery")
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" }) {
    courses(first: $first, after: $after) @connection(key: "teacher_courses") {
      totalCount
      edges {
        node {
          id
        }
      }
    }
  }
`;
const DETAILS = graphql`
  fragment teacher_details on Course
  @refetchable(queryName: "teacherDetailsQuery")
  @argumentDefinitions(isOpen: { type: "Boolean", defaultValue: false }) {
    title
    description @include(if: $isOpen)
  }
`;

/** All courses of a teacher, fetched one by one. */
function Courses({ teacher, onShow }: { teacher: teacher_courses$key; onShow: (ids: string[]) => void }) {
  const { data, hasNext, isLoadingNext, loadNext } = usePaginationFragment<
    teacherPageQuery,
    teacher_courses$key
  >(COURSES, teacher);
  const ids = (data.courses?.edges ?? []).map(({ node }) => node.id);
  const isWhole = !hasNext && ids.length === data.courses?.totalCount;
  useEffect(() => {
    if (hasNext && !isLoadingNext) loadNext(1);
    if (isWhole) onShow(ids);
  });
  return <p>{ids.length}</p>;
}

/** A course whose description is fetched when it is opened. */
function Details({ course, onShow }: { course: teacher_details$key; onShow: (text: string) => void }) {
  const [{ title, description }, refetch] = useRefetchableFragment<teacherDetailsQuery, teacher_details$key>(
    DETAILS,
    course,
  );
  useEffect(() => {
    if (description === undefined) refetch({ isOpen: true });
    else onShow(description);
  });
  return <h1>{title}</h1>;
}
// docs:end

/** What has been fetched by ids alone. */
export interface Refetched {
  courses: string[] | undefined;
  description: string | undefined;
}

/** The first of the catalogue's courses, and its teacher's. */
export function Teacher({ refetched }: { refetched: Refetched }) {
  const { courses } = useLazyLoadQuery<teacherCourseQuery>(
    graphql`
      query teacherCourseQuery {
        courses(first: 1, filter: { isFree: false }, orderBy: TITLE) {
          nodes {
            ...teacher_details
            teacher {
              ...teacher_courses @arguments(first: 1)
            }
          }
        }
      }
    `,
    {},
  );
  const course = courses?.nodes[0];
  if (!course?.teacher) return null;
  return (
    <>
      <Details
        course={course}
        onShow={(text) => {
          refetched.description = text;
        }}
      />
      <Courses
        teacher={course.teacher}
        onShow={(ids) => {
          refetched.courses = ids;
        }}
      />
    </>
  );
}
