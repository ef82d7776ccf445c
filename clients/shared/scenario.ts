/**
 * What each of the clients has to do, as a front end does it: page through the catalogue, show an error, sign up, buy,
 * follow notifications over a broken connection, and renew the tokens in two tabs at once. The clients differ in how.
 */
import { readFileSync } from 'node:fs';
import { requests } from './recording.ts';

export interface Session {
  accessToken: string;
  refreshToken: string;
}

export interface Course {
  id: string;
  title: string;
  price: string | null;
}

export interface News {
  id: string;
  title: string;
  body: string;
}

export interface Stream {
  stop: () => void;
}

/** A client of one person, in one tab. It renews its tokens by itself when the server no longer accepts them. */
export interface Tab {
  session(): Session | null;
  setSession(session: Session | null): void;
  /** One page of the paid courses, 10 of them. */
  courses(after: string | null): Promise<{ nodes: Course[]; endCursor: string | null; hasNextPage: boolean }>;
  /** Returns the session; the code of the refusal if there is none. */
  signIn(email: string, password: string): Promise<{ session: Session | null; refusal: string | undefined }>;
  signUp(name: string, email: string, password: string): Promise<Session>;
  myName(): Promise<string | undefined>;
  buy(courseId: string, amount: string, idempotencyKey: string): Promise<{ id: string; status: string }>;
  studentHome(): Promise<unknown>;
  /** The code of the error that a page of 1000 courses is. */
  badRequest(): Promise<string | undefined>;
  /** The latest 20 notifications, the newest first. */
  latestNews(): Promise<News[]>;
  /** Follows the notifications after this one until it is stopped, whatever happens to connections. */
  follow(after: string | null, onNews: (news: News) => void): Stream;
  close(): void;
}

export interface Client {
  name: string;
  version: string;
  openTab(): Tab;
  /** What this client does differently from others, by the names of its steps. */
  ownSteps?: Record<string, () => Promise<unknown>>;
}

/** An address that breaks all connections when it is posted to: the runner's. */
const CUT_URL = process.env.LYCEUM_CUT_URL;
const STEP_TIMEOUT_MS = 30_000;
/** How long a person without notifications waits for one that came before the stream stood. */
const ASK_AGAIN_MS = 5_000;
/** Tokens that can be waited for. */
const SHORT_LIVED_MS = 10_000;
const PASSWORD = 'correct horse battery';

export async function runScenario(client: Client): Promise<void> {
  const started = Date.now();
  const steps: Record<string, string> = {};
  const tab = client.openTab();
  const other = client.openTab();
  let failed = '';
  async function step(name: string, run: () => Promise<unknown>): Promise<void> {
    if (failed) return;
    try {
      const done = await within(run());
      steps[name] = typeof done === 'string' ? done : 'yes';
    } catch (error) {
      steps[name] = 'no';
      failed = `${name}: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}`;
    }
  }

  let found: Course[] = [];
  const seen: News[] = [];
  let following: Promise<Stream> | undefined;

  await step('paging', async () => {
    const first = await tab.courses(null);
    const second = await tab.courses(first.endCursor);
    found = [...first.nodes, ...second.nodes];
    check(new Set(found.map(({ id }) => id)).size === 20, 'two pages of ten courses, each course once');
  });
  await step('errors', async () => {
    const { refusal } = await tab.signIn('nobody@lyceum.example', PASSWORD);
    check(refusal === 'INVALID_CREDENTIALS', `a wrong password is INVALID_CREDENTIALS, not ${refusal}`);
    const code = await tab.badRequest();
    check(code === 'BAD_USER_INPUT', `a page of 1000 is BAD_USER_INPUT, not ${code}`);
  });
  await step('sign in', async () => {
    const email = `${client.name.replaceAll(/\W/g, '-').toLowerCase()}-${unique()}@lyceum.example`;
    tab.setSession(await tab.signUp('Clara Client', email, PASSWORD));
    const { session } = await other.signIn(email, PASSWORD);
    check(session !== null, 'signing in returns a session');
    check((await tab.myName()) === 'Clara Client', 'the token is sent');
  });
  await step('buying', async () => {
    following = followFromNow(tab, (news) => seen.push(news));
    // Said by the next step.
    following.catch(() => {});
    const course = found[0];
    check(course?.price, 'a course with a price');
    const key = unique();
    const payment = await tab.buy(course.id, course.price, key);
    check(payment.status === 'COMPLETED', `paid, not ${payment.status}`);
    const again = await tab.buy(course.id, course.price, key);
    check(again.id === payment.id, 'the same key is the same payment');
  });
  await step('live updates', async () => {
    await following;
    await waitFor(seen, found[0]?.title);
    // A second one has something to come after.
    const course = found[1];
    check(course?.price, 'a second course with a price');
    await tab.buy(course.id, course.price, unique());
    await waitFor(seen, course.title);
  });
  await step('reconnection', async () => {
    if (!CUT_URL) return 'not tried';
    await fetch(CUT_URL, { method: 'POST' });
    const course = found[2];
    check(course?.price, 'another course with a price');
    await buyPatiently(tab, course.id, course.price, unique());
    await waitFor(seen, course.title);
    check(new Set(seen.map(({ id }) => id)).size === seen.length, 'each notification once');
  });
  await step('two tabs', async () => {
    const session = tab.session();
    check(session, 'a session');
    // Both have the same tokens, of which the first has expired, and wake up together.
    const expired = { ...session, accessToken: `${session.accessToken.slice(0, -8)}AAAAAAAA` };
    tab.setSession(expired);
    other.setSession(expired);
    const names = await Promise.all([tab.myName(), other.myName()]);
    check(
      names.every((name) => name === 'Clara Client'),
      `both tabs stay signed in: ${names}`,
    );
    check(tab.session()?.accessToken !== expired.accessToken, 'the tokens are new');
  });
  await step('expired token', async () => {
    const lifetime = lifetimeOf(tab.session());
    // Only a system with `--access-token-seconds` of a few.
    if (lifetime > SHORT_LIVED_MS) return 'not tried';
    // The stream ends with the token that it has begun with.
    await new Promise((resolve) => setTimeout(resolve, lifetime + 1_000));
    const course = found[3];
    check(course?.price, 'one more course with a price');
    await tab.buy(course.id, course.price, unique());
    await waitFor(seen, course.title);
  });
  for (const [name, run] of Object.entries(client.ownSteps ?? {})) await step(name, run);
  await step('StudentHome', async () => {
    await tab.studentHome();
  });
  if (!failed) (await following)?.stop();
  tab.close();
  other.close();

  const home = requests.at(-1);
  const result = {
    client: client.name,
    version: client.version,
    runtime: `Node ${process.versions.node}`,
    ok: failed === '',
    steps,
    studentHome: home ? { requests: requests.length, ...home } : null,
    ms: Date.now() - started,
  };
  if (failed) console.error(failed);
  console.log(JSON.stringify(result));
  process.exit(failed ? 1 : 0);
}

// docs:news
/** Follows the notifications from the newest one on. */
async function followFromNow(tab: Tab, onNews: (news: News) => void): Promise<Stream> {
  const [newest] = await tab.latestNews();
  if (newest) return tab.follow(newest.id, onNews);
  const first = await firstNews(tab);
  for (const news of first.toReversed()) onNews(news);
  return tab.follow(first[0].id, onNews);
}

/** Without `after`, a stream misses what comes before it stands. An event, or a while without one, means: ask. */
async function firstNews(tab: Tab): Promise<[News, ...News[]]> {
  let ask = () => {};
  const stream = tab.follow(null, () => ask());
  try {
    for (;;) {
      const asked = new Promise<void>((resolve) => {
        ask = resolve;
      });
      const [newest, ...older] = await tab.latestNews().catch(() => []);
      if (newest) return [newest, ...older];
      await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))]);
    }
  } finally {
    stream.stop();
  }
}
// docs:end

/** How long an access token is valid, in milliseconds. */
function lifetimeOf(session: Session | null): number {
  const payload = session?.accessToken.split('.')[1] ?? '';
  const { exp, iat } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    exp: number;
    iat: number;
  };
  return (exp - iat) * 1000;
}

/** A purchase that the network has lost is repeated: with its key it is the same one. */
async function buyPatiently(tab: Tab, courseId: string, amount: string, key: string): Promise<void> {
  for (let attempts = 3; ; attempts -= 1) {
    try {
      await tab.buy(courseId, amount, key);
      return;
    } catch (error) {
      if (attempts === 1) throw error;
    }
  }
}

async function waitFor(seen: News[], title: string | undefined): Promise<void> {
  while (!seen.some((news) => title && `${news.title} ${news.body}`.includes(title)))
    await new Promise((resolve) => setTimeout(resolve, 50));
}

function within<Result>(task: Promise<Result>): Promise<Result> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error(`not within ${STEP_TIMEOUT_MS} ms`)), STEP_TIMEOUT_MS),
  );
  return Promise.race([task, late]);
}

export function check(condition: unknown, expectation: string): asserts condition {
  if (!condition) throw new Error(`expected: ${expectation}`);
}

/** The version that is installed in the project that runs. */
export function versionOf(name: string): string {
  const file = readFileSync(`node_modules/${name}/package.json`, 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

let last = 0;
export function unique(): string {
  last += 1;
  return `${Date.now().toString(36)}${process.pid.toString(36)}${last}`;
}
