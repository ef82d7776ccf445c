import { runActiveTab } from '../editor/actions';
import { activeTab, graphiqlState } from '../editor/graphiql-state';
import { isRunning } from '../execution/execute';
import { type Run, useRuns } from '../execution/runs';
import { findSampleUser, useSettings } from '../network/playground-settings';
import { findOperation, studentHome } from '../operations/all';
import { openOperation, openWithValues } from '../operations/open-operation';
import { signIn, useSession } from '../session/session';

export interface Step {
  title: string;
  /** What it shows. */
  what: string;
  /** What to look at when it is done. */
  look: string;
  action: () => Promise<void>;
}

const TIMEOUT_MS = 15_000;

export const STEPS: Step[] = [
  {
    title: 'Browse the courses',
    what: 'Anybody may read the catalogue.',
    look: 'Each course has its teacher: the courses and the users come from two services, in one response. The panel Plan shows how.',
    action: browse,
  },
  {
    title: 'Sign in and see a home',
    what: 'A student’s first page, read from all five services in one request.',
    look: 'The line below the response has its time, size and cost. The panel Trace shows where the time went, down to each SQL statement.',
    action: seeHome,
  },
  {
    title: 'Buy a course and watch the notification arrive',
    what: 'A mutation in one tab, a subscription in another one.',
    look: 'The event below came in after the purchase, without asking again. The other tab has the payment.',
    action: buyAndWatch,
  },
];

async function browse(): Promise<void> {
  openOperation(findOperation('Catalogue').document, JSON.stringify({ first: 6 }, null, 2));
  await runToEnd();
}

async function seeHome(): Promise<void> {
  await signInAsStudent();
  openOperation(studentHome.document, studentHome.variables);
  await runToEnd();
}

async function buyAndWatch(): Promise<void> {
  await signInAsStudent();
  await openWithValues(findOperation('NotificationAdded'));
  const bell = activeTab()?.id ?? '';
  if (!isRunning(bell)) runActiveTab();
  await waitForRun(bell, ({ stream }) => stream?.state === 'live');

  await openWithValues(findOperation('PurchaseCourse'));
  await runToEnd();
  const { tabs = [], actions } = graphiqlState() ?? {};
  actions?.changeTab(tabs.findIndex(({ id }) => id === bell));
  await waitForRun(bell, ({ stream }) => (stream?.count ?? 0) > 0);
}

async function signInAsStudent(): Promise<void> {
  if (useSession.getState().session?.user.role === 'STUDENT') return;
  const sample = findSampleUser(useSettings.getState().samples, 'Student');
  if (!sample) throw new Error('This server has no sample users: sign in as a student first.');
  await signIn(sample.email, sample.password);
}

async function runToEnd(): Promise<void> {
  const tab = activeTab()?.id ?? '';
  const before = useRuns.getState().runs[tab];
  runActiveTab();
  await waitForRun(tab, (run) => run !== before && !run.isRunning);
  const problem = useRuns.getState().runs[tab]?.problem;
  if (problem) throw new Error(problem.message);
}

function waitForRun(tab: string, isReached: (run: Run) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const run = useRuns.getState().runs[tab];
      if (!run || !isReached(run)) return;
      finish();
      resolve();
    };
    const unsubscribe = useRuns.subscribe(look);
    const timer = setTimeout(() => {
      finish();
      reject(new Error('The server has not answered in time. Try again.'));
    }, TIMEOUT_MS);
    const finish = () => {
      clearTimeout(timer);
      unsubscribe();
    };
    look();
  });
}
