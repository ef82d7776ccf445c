import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { CourseStudentsDocument } from '../gql/graphql';
import { PageTitle } from '../parts/page-title';
import { Empty, Failed, Loading, More } from '../parts/states';
import { number, onDay, PROGRESS } from '../parts/words';

const PAGE = 20;

export default function Students({ courseId }: { courseId: string }) {
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }] = useQuery({
    query: CourseStudentsDocument,
    variables: { courseId, first: PAGE, after },
    requestPolicy: 'cache-and-network',
  });
  const enrollments = data?.course?.enrollments;
  if (!enrollments && error) return <Failed error={error} />;
  if (!data) return <Loading what="the students" />;
  return (
    <div className="narrow">
      <p className="small">
        <Link href={`/teaching/${courseId}`}>← {data.course?.title ?? 'The course'}</Link>
      </p>
      <header className="page-head">
        <PageTitle>Students</PageTitle>
        {enrollments && enrollments.totalCount !== null && (
          <p className="lead">{number(enrollments.totalCount)} on this course</p>
        )}
      </header>
      {!enrollments || enrollments.nodes.length === 0 ? (
        <Empty title="Nobody yet. Good things take a while." />
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Progress</th>
              <th scope="col">Since</th>
            </tr>
          </thead>
          <tbody>
            {enrollments.nodes.map(({ id, student, status, enrolledAt }) => (
              <tr key={id}>
                <th scope="row">{student?.name ?? 'A former student'}</th>
                <td>
                  <span className={`tag ${status.toLowerCase()}`}>{PROGRESS[status]}</span>
                </td>
                <td className="muted">{onDay(enrolledAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {enrollments?.pageInfo.hasNextPage && (
        <More loading={fetching} onClick={() => setAfter(enrollments.pageInfo.endCursor)} />
      )}
    </div>
  );
}
