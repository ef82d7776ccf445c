import { useQuery } from 'urql';
import { Link } from 'wouter';
import { isBadId } from '../client/problems';
import { CoursePageDocument } from '../gql/graphql';
import { CourseCard } from '../parts/course-card';
import { Cover } from '../parts/cover';
import { Icon } from '../parts/icons';
import { PageTitle } from '../parts/page-title';
import { Failed, Loading, Missing } from '../parts/states';
import { duration, LEVELS, onDay, students } from '../parts/words';
import type { Course } from './course';
import { Offer } from './offer';

export function CoursePage({ id }: { id: string }) {
  const [{ data, error }, reload] = useQuery({
    query: CoursePageDocument,
    variables: { courseId: id },
    requestPolicy: 'cache-and-network',
  });
  const course = data?.course;
  if (course) return <Content course={course} />;
  if (error && !data?.course && !isBadId(error))
    return <Failed error={error} retry={() => reload({ requestPolicy: 'network-only' })} />;
  if (!data && !error) return <Loading what="the course" />;
  return (
    <Missing title="This course is not here">
      <p>It may have been removed, or is not published yet.</p>
      <Link className="button primary" href="/">
        To the catalogue
      </Link>
    </Missing>
  );
}

function Content({ course }: { course: Course }) {
  const others = course.teacher?.courses?.nodes.filter(({ id }) => id !== course.id).slice(0, 3) ?? [];
  return (
    <article className="course">
      <div className="course-cover">
        <Cover id={course.id} wide />
      </div>
      <header className="course-head">
        <p className="eyebrow">
          {LEVELS[course.level]}
          {course.state === 'DRAFT' && <span className="tag">Draft</span>}
          {course.state === 'WITHDRAWN' && <span className="tag">Withdrawn</span>}
        </p>
        <PageTitle>{course.title}</PageTitle>
        <p className="facts">
          {course.teacher ? (
            <Link href={`/teachers/${course.teacher.id}`} className="fact">
              <Icon name="person" size={18} />
              {course.teacher.name}
              {course.teacher.isVerified && <span className="visually-hidden">, verified teacher</span>}
            </Link>
          ) : (
            <span className="fact">By a former teacher</span>
          )}
          {course.durationMinutes > 0 && (
            <span className="fact">
              <Icon name="clock" size={18} />
              {duration(course.durationMinutes)}
            </span>
          )}
          {course.enrollmentCount !== null && course.enrollmentCount > 0 && (
            <span className="fact">
              <Icon name="people" size={18} />
              {students(course.enrollmentCount)}
            </span>
          )}
        </p>
      </header>
      <Offer course={course} />
      <section className="course-text" aria-label="Description">
        {course.description.trim() ? (
          paragraphs(course.description).map(({ key, text }) => <p key={key}>{text}</p>)
        ) : (
          <p className="muted">The teacher has not described this course yet.</p>
        )}
        <p className="muted small">In the catalogue since {onDay(course.createdAt)}.</p>
      </section>
      {others.length > 0 && course.teacher && (
        <section className="course-others" aria-labelledby="others">
          <h2 id="others">More by {course.teacher.name}</h2>
          <div className="grid">
            {others.map((other) => (
              <CourseCard key={other.id} course={other} level="h3" />
            ))}
          </div>
        </section>
      )}
    </article>
  );
}

function paragraphs(text: string): { key: string; text: string }[] {
  return text
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part, index) => ({ key: `${index}`, text: part }));
}
