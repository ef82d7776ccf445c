import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { type CourseState, type DeskCourseFragment, DeskDocument } from '../gql/graphql';
import { Icon } from '../parts/icons';
import { PageTitle } from '../parts/page-title';
import { Empty, Failed, Loading, Missing, More } from '../parts/states';
import { euros, number, price, STATES, students } from '../parts/words';
import { useViewer } from '../shell/viewer';
import { SalesChart } from './chart';
import { StateButton } from './state-button';

const PAGE = 10;
const TABS: [label: string, state: CourseState | null][] = [
  ['All', null],
  ['Drafts', 'DRAFT'],
  ['On sale', 'PUBLISHED'],
  ['Withdrawn', 'WITHDRAWN'],
];

/** What a teacher sells, and how it goes. */
export default function Desk() {
  const [state, setState] = useState<CourseState | null>(null);
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }, reload] = useQuery({
    query: DeskDocument,
    variables: { state, first: PAGE, after },
    requestPolicy: 'cache-and-network',
  });
  const viewer = useViewer();
  const me = data?.me;
  if (viewer && viewer.role !== 'TEACHER')
    return (
      <Missing title="This desk is for teachers">
        <p>With an account to teach, you find your courses and sales here.</p>
      </Missing>
    );
  if (!me && error) return <Failed error={error} retry={() => reload({ requestPolicy: 'network-only' })} />;
  if (!me) return <Loading what="your desk" />;
  const { sales, courses } = me;
  return (
    <>
      <header className="page-head with-action">
        <PageTitle>My teaching</PageTitle>
        {me.isVerified && (
          <Link href="/teaching/new" className="button primary">
            <Icon name="plus" size={18} />
            New course
          </Link>
        )}
      </header>
      {!me.isVerified && (
        <p className="notice">
          Welcome! Before you can create courses, we have to verify who you are. Then sign in again to begin.
        </p>
      )}
      {sales && (
        <section className="sales" aria-labelledby="sales">
          <div className="sales-head">
            <h2 id="sales">Sales</h2>
            <dl className="figures">
              <div>
                <dt>Earned</dt>
                <dd>{euros(sales.amount)}</dd>
              </div>
              <div>
                <dt>Sold</dt>
                <dd>{number(sales.count)}</dd>
              </div>
            </dl>
          </div>
          <SalesChart months={sales.months} />
        </section>
      )}
      <section aria-labelledby="courses">
        <div className="section-head">
          <h2 id="courses">Courses</h2>
          <fieldset className="chips tabs">
            <legend className="visually-hidden">Which courses</legend>
            {TABS.map(([label, value]) => (
              <label key={label} className="chip">
                <input
                  type="radio"
                  name="state"
                  checked={state === value}
                  onChange={() => {
                    setAfter(null);
                    setState(value);
                  }}
                />
                {label}
              </label>
            ))}
          </fieldset>
        </div>
        {courses && courses.nodes.length === 0 ? (
          <Empty title={state === null ? 'No courses yet.' : 'No courses in this state.'} />
        ) : (
          <ul className="rows">
            {courses?.nodes.map((course) => (
              <Row key={course.id} course={course} onChange={() => setAfter(null)} />
            ))}
          </ul>
        )}
        {courses?.pageInfo.hasNextPage && (
          <More loading={fetching} onClick={() => setAfter(courses.pageInfo.endCursor)} />
        )}
      </section>
    </>
  );
}

function Row({ course, onChange }: { course: DeskCourseFragment; onChange: () => void }) {
  return (
    <li className="row">
      <div className="row-main">
        <h3 className="row-title">
          <Link href={`/teaching/${course.id}`}>{course.title}</Link>
        </h3>
        <p className="facts small">
          <span className={`tag ${course.state.toLowerCase()}`}>{STATES[course.state]}</span>
          <span>{price(course)}</span>
          <Link href={`/teaching/${course.id}/students`}>
            {students(course.enrollmentCount ?? 0)}
            <span className="visually-hidden"> of {course.title}</span>
          </Link>
          {course.sales && course.sales.count > 0 && (
            <span>
              {number(course.sales.count)} sold for {euros(course.sales.amount)}
            </span>
          )}
        </p>
      </div>
      <StateButton course={course} small onChange={onChange} />
    </li>
  );
}
