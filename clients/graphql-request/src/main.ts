import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { ClientError, GraphQLClient } from 'graphql-request';
import { createClient as createSseClient } from 'graphql-sse';
import { recordingFetch, url } from '../../shared/recording.ts';
import { runScenario, type Session, type Tab, versionOf } from '../../shared/scenario.ts';
import {
  LatestNotificationsDocument,
  MeDocument,
  NotificationAddedDocument,
  type NotificationAddedSubscription,
  PaidCoursesDocument,
  PurchaseCourseDocument,
  RefreshSessionDocument,
  SignInDocument,
  SignUpDocument,
  StudentHomeDocument,
} from './gql/graphql.js';

function openTab(): Tab {
  let session: Session | null = null;

  // docs:client
  const client = new GraphQLClient(url, {
    fetch: recordingFetch,
    headers: (): Record<string, string> =>
      session ? { authorization: `Bearer ${session.accessToken}` } : {},
  });

  /** Sends it again with new tokens when the server no longer accepts the old ones. */
  async function send<Data, Variables extends object>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    try {
      return await client.request<Data>(document, variables);
    } catch (error) {
      if (codeOf(error) !== 'UNAUTHENTICATED' || !session) throw error;
      await refresh(session.refreshToken);
      return client.request<Data>(document, variables);
    }
  }

  async function refresh(refreshToken: string): Promise<void> {
    const { refreshSession } = await client.request(RefreshSessionDocument, { input: { refreshToken } });
    if (refreshSession) session = refreshSession.session ?? null;
  }
  // docs:end

  return {
    session: () => session,
    setSession: (next) => {
      session = next;
    },
    async courses(after) {
      const { courses } = await send(PaidCoursesDocument, { first: 10, after });
      if (!courses) throw new Error('no courses');
      const { endCursor, hasNextPage } = courses.pageInfo;
      return { nodes: courses.nodes, endCursor: endCursor ?? null, hasNextPage };
    },
    async signIn(email, password) {
      const { login } = await send(SignInDocument, { input: { email, password } });
      session = login?.session ?? session;
      return { session: login?.session ?? null, refusal: login?.userErrors[0]?.code };
    },
    async signUp(name, email, password) {
      const { register } = await send(SignUpDocument, { input: { name, email, password } });
      if (!register?.session) throw new Error(JSON.stringify(register?.userErrors));
      return register.session;
    },
    async myName() {
      return (await send(MeDocument, {})).me?.name;
    },
    async buy(courseId, expectedAmount, idempotencyKey) {
      const input = { courseId, expectedAmount, idempotencyKey };
      const { purchaseCourse } = await send(PurchaseCourseDocument, { input });
      if (!purchaseCourse?.payment) throw new Error(JSON.stringify(purchaseCourse?.userErrors));
      return purchaseCourse.payment;
    },
    studentHome: () => send(StudentHomeDocument, {}),
    async badRequest() {
      return send(PaidCoursesDocument, { first: 1000 }).then(() => undefined, codeOf);
    },
    async latestNews() {
      return (await send(LatestNotificationsDocument, {})).me?.notifications?.nodes ?? [];
    },
    // docs:live
    /** However a stream ends, it goes on behind the last notification that it has seen. */
    follow(after, onNews) {
      let lastId = after;
      let isStopped = false;
      const sse = createSseClient({
        url,
        retryAttempts: 0,
        headers: () => ({ authorization: `Bearer ${session?.accessToken ?? ''}` }),
      });
      async function run() {
        while (!isStopped) {
          try {
            const events = sse.iterate<NotificationAddedSubscription>({
              query: print(NotificationAddedDocument),
              variables: { after: lastId },
            });
            for await (const { data } of events) {
              if (!data || isStopped) break;
              lastId = data.notificationAdded.id;
              onNews(data.notificationAdded);
            }
          } catch {
            // A connection can break at any time; `lastId` says where to go on.
          }
          await new Promise((resolve) => setTimeout(resolve, 500));
          // Renews the tokens if they have expired, which ends a stream.
          await send(MeDocument, {}).catch(() => {});
        }
      }
      void run();
      return {
        stop: () => {
          isStopped = true;
          sse.dispose();
        },
      };
    },
    // docs:end
    close: () => {},
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof ClientError
    ? (error.response.errors?.[0]?.extensions?.code as string | undefined)
    : undefined;
}

await runScenario({ name: 'graphql-request', version: versionOf('graphql-request'), openTab });
