import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { useAction } from '../client/use-action';
import {
  type EnrollmentStatus,
  LeaveCourseDocument,
  MyCoursesDocument,
  type MyCoursesQuery,
  SetEnrollmentStatusDocument,
} from '../gql/graphql';
import { Cover } from '../parts/cover';
import { Dialog } from '../parts/dialog';
import { Problems } from '../parts/form';
import { Icon } from '../parts/icons';
import { PageTitle } from '../parts/page-title';
import { Empty, Failed, Loading, More } from '../parts/states';
import { say } from '../parts/toasts';
import { onDay, PROGRESS } from '../parts/words';

const PAGE = 12;
type Enrollment = NonNullable<NonNullable<MyCoursesQuery['me']>['enrollments']>['nodes'][number];

const TABS: [label: string, status: EnrollmentStatus | null][] = [
  ['All', null],
  ['Not started', 'ENROLLED'],
  ['In progress', 'IN_PROGRESS'],
  ['Completed', 'COMPLETED'],
];

export default function MyCourses() {
  const [status, setStatus] = useState<EnrollmentStatus | null>(null);
  return (
    <>
      <header className="page-head">
        <PageTitle>My courses</PageTitle>
      </header>
      <fieldset className="chips tabs">
        <legend className="visually-hidden">Which courses</legend>
        {TABS.map(([label, value]) => (
          <label key={label} className="chip">
            <input type="radio" name="status" checked={status === value} onChange={() => setStatus(value)} />
            {label}
          </label>
        ))}
      </fieldset>
      <List key={status ?? 'all'} status={status} />
    </>
  );
}

function List({ status }: { status: EnrollmentStatus | null }) {
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }, reload] = useQuery({
    query: MyCoursesDocument,
    variables: { status, first: PAGE, after },
    requestPolicy: 'cache-and-network',
  });
  const enrollments = data?.me?.enrollments;
  if (!enrollments && error)
    return <Failed error={error} retry={() => reload({ requestPolicy: 'network-only' })} />;
  if (!enrollments) return <Loading what="your courses" />;
  if (enrollments.nodes.length === 0)
    return (
      <Empty title={status === null ? 'No courses yet.' : 'None of your courses is here.'}>
        <Link className="button primary" href="/">
          Find one
        </Link>
      </Empty>
    );
  return (
    <>
      <ul className="places">
        {enrollments.nodes.map((enrollment) => (
          <Place key={enrollment.id} enrollment={enrollment} onChange={() => setAfter(null)} />
        ))}
      </ul>
      {enrollments.pageInfo.hasNextPage && (
        <More loading={fetching} onClick={() => setAfter(enrollments.pageInfo.endCursor)} />
      )}
    </>
  );
}

const SHARE: Record<EnrollmentStatus, number> = { ENROLLED: 0, IN_PROGRESS: 50, COMPLETED: 100 };
const NEXT: Record<EnrollmentStatus, [label: string, status: EnrollmentStatus] | null> = {
  ENROLLED: ['Start', 'IN_PROGRESS'],
  IN_PROGRESS: ['Mark as completed', 'COMPLETED'],
  COMPLETED: null,
};

function Place({ enrollment, onChange }: { enrollment: Enrollment; onChange: () => void }) {
  const { course, status } = enrollment;
  const progress = useAction(SetEnrollmentStatusDocument);
  const [isLeaving, setIsLeaving] = useState(false);
  const next = NEXT[status];
  const title = course?.title ?? 'A course that was deleted';

  async function advance(to: EnrollmentStatus) {
    const { data } = await progress.run({ input: { enrollmentId: enrollment.id, status: to } });
    if (!data) return;
    if (to === 'COMPLETED') say(`Well done! You have completed “${title}”.`);
    onChange();
  }
  return (
    <li className="place">
      <Cover id={course?.id ?? enrollment.id} />
      <div className="place-body">
        <h2 className="card-title">{course ? <Link href={`/courses/${course.id}`}>{title}</Link> : title}</h2>
        <p className="muted small">
          {course?.teacher ? `${course.teacher.name} · ` : ''}since {onDay(enrollment.enrolledAt)}
        </p>
        <div className="progress">
          <progress max={100} value={SHARE[status]} aria-label={`Progress of ${title}`} />
          <span className={status === 'COMPLETED' ? 'progress-word done' : 'progress-word'}>
            {status === 'COMPLETED' && <Icon name="check" size={16} />}
            {PROGRESS[status]}
          </span>
        </div>
        <Problems problems={progress.problems} />
        <div className="actions start">
          {next && (
            <button
              type="button"
              className="button primary small"
              aria-disabled={progress.busy}
              onClick={() => advance(next[1])}
            >
              {next[0]}
              <span className="visually-hidden"> {title}</span>
            </button>
          )}
          {course && (
            <button type="button" className="button small quiet" onClick={() => setIsLeaving(true)}>
              Leave<span className="visually-hidden"> {title}</span>
            </button>
          )}
        </div>
      </div>
      {isLeaving && course && (
        <Leave
          courseId={course.id}
          title={title}
          isFree={course.isFree}
          onLeft={onChange}
          onClose={() => setIsLeaving(false)}
        />
      )}
    </li>
  );
}

interface LeaveProps {
  courseId: string;
  title: string;
  isFree: boolean;
  onLeft: () => void;
  onClose: () => void;
}

function Leave({ courseId, title, isFree, onLeft, onClose }: LeaveProps) {
  const leave = useAction(LeaveCourseDocument);
  async function run() {
    const { data } = await leave.run({ input: { courseId } });
    if (!data) return;
    say(`You have left “${title}”.`);
    onClose();
    onLeft();
  }
  return (
    <Dialog title="Leave this course?" onClose={onClose}>
      <p>
        “{title}” disappears from your courses.{' '}
        {isFree
          ? 'You can join again at any time.'
          : 'What you paid is not refunded, but you can come back without paying again.'}
      </p>
      <Problems problems={leave.problems} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Stay
        </button>
        <button type="button" className="button danger" aria-disabled={leave.busy} onClick={run}>
          Leave
        </button>
      </div>
    </Dialog>
  );
}
