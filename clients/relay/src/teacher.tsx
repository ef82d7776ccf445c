import { useEffect } from 'react';
import { graphql, useLazyLoadQuery, usePaginationFragment, useRefetchableFragment } from 'react-relay';
import type { teacher_courses$key } from './__generated__/teacher_courses.graphql';
import type { teacher_details$key } from './__generated__/teacher_details.graphql';
import type { teacher_enrollments$key } from './__generated__/teacher_enrollments.graphql';
import type { teacherDetailsQuery } from './__generated__/teacherDetailsQuery.graphql';
import type { teacherEnrollmentsQuery } from './__generated__/teacherEnrollmentsQuery.graphql';
import type { teacherPageQuery } from './__generated__/teacherPageQuery.graphql';
import type { teacherQuery } from './__generated__/teacherQuery.graphql';

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
const ENROLLMENTS = graphql`
  fragment teacher_enrollments on Course
  @refetchable(queryName: "teacherEnrollmentsQuery")
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" }) {
    enrollments(first: $first, after: $after) @connection(key: "teacher_enrollments") {
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

interface PagedProps {
  pageSize: number;
  onShow: (list: List) => void;
}

/** All courses of a teacher, page by page. */
function Courses({ teacher, pageSize, onShow }: PagedProps & { teacher: teacher_courses$key }) {
  const { data, hasNext, isLoadingNext, loadNext } = usePaginationFragment<
    teacherPageQuery,
    teacher_courses$key
  >(COURSES, teacher);
  useEffect(() => {
    if (hasNext && !isLoadingNext) loadNext(pageSize);
    if (!hasNext) onShow(listOf(data.courses));
  });
  return <p>{data.courses?.edges.length}</p>;
}

/** All enrollments in a course, page by page. */
function Enrollments({ course, pageSize, onShow }: PagedProps & { course: teacher_enrollments$key }) {
  const { data, hasNext, isLoadingNext, loadNext } = usePaginationFragment<
    teacherEnrollmentsQuery,
    teacher_enrollments$key
  >(ENROLLMENTS, course);
  useEffect(() => {
    if (hasNext && !isLoadingNext) loadNext(pageSize);
    if (!hasNext) onShow(listOf(data.enrollments));
  });
  return <p>{data.enrollments?.edges.length}</p>;
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

/** A list of which all pages have been loaded. */
export interface List {
  ids: string[];
  totalCount: number | undefined;
}

type Connection =
  | {
      readonly totalCount?: number | null;
      readonly edges: readonly { readonly node: { readonly id: string } }[];
    }
  | null
  | undefined;

function listOf(connection: Connection): List {
  return {
    ids: (connection?.edges ?? []).map(({ node }) => node.id),
    totalCount: connection?.totalCount ?? undefined,
  };
}

/** What the page of a teacher shows in the end. */
export interface Shown {
  teacherId: string;
  courseId: string;
  courses: List;
  enrollments: List;
  description: string;
}

/** The signed-in teacher's courses, and one of them with its enrollments. */
export function Teacher({ pageSize, onShow }: { pageSize: number; onShow: (part: Partial<Shown>) => void }) {
  const { me } = useLazyLoadQuery<teacherQuery>(
    graphql`
      query teacherQuery($first: Int!) {
        me {
          id
          ...teacher_courses @arguments(first: $first)
          mostRecent: courses(first: 20) {
            nodes {
              id
              enrollmentCount
              ...teacher_details
              ...teacher_enrollments @arguments(first: $first)
            }
          }
        }
      }
    `,
    { first: pageSize },
  );
  const course = me?.mostRecent?.nodes.find(({ enrollmentCount }) => (enrollmentCount ?? 0) > pageSize);
  useEffect(() => {
    if (me && course) onShow({ teacherId: me.id, courseId: course.id });
  });
  if (!me || !course) return null;
  return (
    <>
      <Courses teacher={me} pageSize={pageSize} onShow={(courses) => onShow({ courses })} />
      <Details course={course} onShow={(description) => onShow({ description })} />
      <Enrollments course={course} pageSize={pageSize} onShow={(enrollments) => onShow({ enrollments })} />
    </>
  );
}
