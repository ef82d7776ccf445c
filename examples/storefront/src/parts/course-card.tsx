import { Link } from 'wouter';
import type { CourseCardFragment } from '../gql/graphql';
import { Cover } from './cover';
import { Icon } from './icons';
import { duration, LEVELS, price, students } from './words';

export function CourseCard({
  course,
  level: Heading = 'h2',
}: {
  course: CourseCardFragment;
  level?: 'h2' | 'h3';
}) {
  return (
    <article className="card">
      <Cover id={course.id} />
      <div className="card-body">
        <p className="eyebrow">{LEVELS[course.level]}</p>
        <Heading className="card-title">
          <Link href={`/courses/${course.id}`}>{course.title}</Link>
        </Heading>
        <p className="muted card-teacher">{course.teacher?.name ?? 'A former teacher'}</p>
        <p className="card-foot">
          <span className="price">{price(course)}</span>
          {course.durationMinutes > 0 && (
            <span className="fact">
              <Icon name="clock" size={16} />
              {duration(course.durationMinutes)}
            </span>
          )}
          {course.enrollmentCount !== null && course.enrollmentCount > 0 && (
            <span className="fact">
              <Icon name="people" size={16} />
              <span>
                {course.enrollmentCount}
                <span className="visually-hidden">
                  {' '}
                  {students(course.enrollmentCount).replace(/^\S+ /, '')}
                </span>
              </span>
            </span>
          )}
        </p>
      </div>
    </article>
  );
}

/** Cards in the place of those that are loading. */
export function CardSkeletons({ count }: { count: number }) {
  return Array.from({ length: count }, (_, index) => `skeleton-${index}`).map((key) => (
    <div key={key} className="card skeleton" aria-hidden="true">
      <div className="cover" />
      <div className="card-body">
        <span className="bar short" />
        <span className="bar" />
        <span className="bar" />
      </div>
    </div>
  ));
}
