import { Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { RelayEnvironmentProvider } from 'react-relay';
import type { Environment, LogEvent } from 'relay-runtime';
import { check } from '../../shared/scenario.ts';
import { type List, type Shown, Teacher } from './teacher.tsx';

const PAGE_SIZE = 10;

/** Shows the page of the teacher whom the environment is signed in as, until all of it has been loaded. */
export async function showTeacher(environment: Environment): Promise<Shown> {
  const root = createRoot(document.createElement('div'));
  const shown: Partial<Shown> = {};
  root.render(
    <RelayEnvironmentProvider environment={environment}>
      <Suspense fallback="Loading…">
        <Teacher pageSize={PAGE_SIZE} onShow={(part) => Object.assign(shown, part)} />
      </Suspense>
    </RelayEnvironmentProvider>,
  );
  while (!isWhole(shown)) await new Promise((resolve) => setTimeout(resolve, 20));
  root.unmount();
  return shown;
}

function isWhole(shown: Partial<Shown>): shown is Shown {
  const { courses, enrollments, description } = shown;
  return courses !== undefined && enrollments !== undefined && description !== undefined;
}

/** Everything after the first answer has been asked for by the ids of the teacher and the course alone. */
export function checkRefetching(shown: Shown, events: LogEvent[]): void {
  checkList('courses', shown.courses);
  checkList('enrollments', shown.enrollments);
  check(shown.description !== '', 'a description');

  const requests = events.filter((event) => event.name === 'network.start');
  const pagesAfterFirst = ({ ids }: List) => Math.ceil(ids.length / PAGE_SIZE) - 1;
  for (const [name, id, count] of [
    ['teacherPageQuery', shown.teacherId, pagesAfterFirst(shown.courses)],
    ['teacherEnrollmentsQuery', shown.courseId, pagesAfterFirst(shown.enrollments)],
    ['teacherDetailsQuery', shown.courseId, 1],
  ] as const) {
    const sent = requests.filter(({ params }) => params.name === name);
    check(sent.length === count, `${count} of ${name}, not ${sent.length}`);
    for (const { params, variables } of sent) {
      check(params.text?.includes('node(id: $id)'), `${name} asks for a node`);
      check(variables.id === id, `${name} asks for ${id}, not ${variables.id}`);
    }
  }
}

function checkList(name: string, { ids, totalCount }: List): void {
  check(ids.length > PAGE_SIZE, `more than one page of ${name}, not ${ids.length}`);
  check(ids.length === totalCount, `all ${totalCount} ${name}, not ${ids.length}`);
  check(new Set(ids).size === ids.length, `each of the ${name} once`);
}
