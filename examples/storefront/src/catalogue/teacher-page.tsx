import { useState } from 'react';
import { useQuery } from 'urql';
import { isBadId } from '../client/problems';
import { TeacherPageDocument } from '../gql/graphql';
import { CourseCard } from '../parts/course-card';
import { Icon } from '../parts/icons';
import { PageTitle } from '../parts/page-title';
import { Empty, Failed, Loading, Missing, More } from '../parts/states';
import { number, onDay } from '../parts/words';

const PAGE = 12;

export default function TeacherPage({ id }: { id: string }) {
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }] = useQuery({
    query: TeacherPageDocument,
    variables: { teacherId: id, first: PAGE, after },
  });
  const teacher = data?.user;
  if (error && !teacher && !isBadId(error)) return <Failed error={error} />;
  if (!data && !error) return <Loading what="the teacher" />;
  if (!teacher)
    return (
      <Missing title="Unknown teacher">
        <p>There is nobody at this address, or not any more.</p>
      </Missing>
    );
  const courses = teacher.courses;
  return (
    <>
      <header className="page-head">
        <PageTitle>{teacher.name}</PageTitle>
        <p className="facts">
          {teacher.isVerified && (
            <span className="fact">
              <Icon name="shield" size={18} /> Verified teacher
            </span>
          )}
          <span className="fact">Here since {onDay(teacher.createdAt)}</span>
          {courses && courses.totalCount !== null && (
            <span className="fact">{number(courses.totalCount)} courses</span>
          )}
        </p>
      </header>
      {!courses || courses.nodes.length === 0 ? (
        <Empty title="No courses on sale at the moment." />
      ) : (
        <div className="grid">
          {courses.nodes.map((course) => (
            <CourseCard key={course.id} course={course} />
          ))}
        </div>
      )}
      {courses?.pageInfo.hasNextPage && (
        <More loading={fetching} onClick={() => setAfter(courses.pageInfo.endCursor)} />
      )}
    </>
  );
}
