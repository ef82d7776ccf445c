import { Client, type ExecutionResult, fetchExchange, subscriptionExchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import { cacheExchange } from '@urql/exchange-graphcache';
import { createClient as createSseClient } from 'graphql-sse';
import { recordingFetch, url } from '../../shared/recording.ts';
import { runScenario, type Session, type Tab, versionOf } from '../../shared/scenario.ts';
import { defaults, persistedQueries } from './defaults.ts';
import {
  LatestNotificationsDocument,
  MeDocument,
  NotificationAddedDocument,
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
  const client = new Client({
    url,
    fetch: recordingFetch,
    // Answers belong to a person: they are not for the caches of browsers.
    preferGetMethod: false,
    exchanges: [
      cacheExchange(),
      authExchange(async (utilities) => ({
        addAuthToOperation: (operation) =>
          session
            ? utilities.appendHeaders(operation, { authorization: `Bearer ${session.accessToken}` })
            : operation,
        didAuthError: (error) =>
          session !== null &&
          error.graphQLErrors.some(({ extensions }) => extensions.code === 'UNAUTHENTICATED'),
        async refreshAuth() {
          if (!session) return;
          const { refreshToken } = session;
          // Graphcache writes the answer, but has not added `__typename` on the way out: codegen.ts does.
          const { data } = await utilities.mutate(RefreshSessionDocument, { input: { refreshToken } });
          // Null without an answer, too: then it is tried again with the next operation.
          if (data?.refreshSession) session = data.refreshSession.session;
        },
      })),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({ unsubscribe: follow(request.query ?? '', request.variables ?? {}, sink) }),
        }),
      }),
    ],
  });
  // docs:end

  // docs:live
  /** Server-sent events. However a stream ends, it goes on behind the last notification that it has seen. */
  function follow(
    query: string,
    variables: Record<string, unknown>,
    sink: { next: (result: ExecutionResult) => void; error: (error: unknown) => void; complete: () => void },
  ): () => void {
    let after = variables.after;
    let isStopped = false;
    let dispose = () => {};
    const sse = createSseClient({
      url,
      retryAttempts: 0,
      headers: () => ({ authorization: `Bearer ${session?.accessToken ?? ''}` }),
    });
    async function again() {
      await new Promise((resolve) => setTimeout(resolve, 500));
      // Renews the tokens if they have expired, which ends a stream.
      if (!isStopped) await client.query(MeDocument, {}, { requestPolicy: 'network-only' }).toPromise();
      if (!isStopped) connect();
    }
    function connect() {
      dispose = sse.subscribe<{ notificationAdded: { id: string } }>(
        { query, variables: { ...variables, after } },
        {
          next: (result) => {
            if (!result.data) return;
            after = result.data.notificationAdded.id;
            sink.next(result as ExecutionResult);
          },
          error: again,
          complete: again,
        },
      );
    }
    connect();
    return () => {
      isStopped = true;
      dispose();
    };
  }
  // docs:end

  return {
    session: () => session,
    setSession: (next) => {
      session = next;
    },
    async courses(after) {
      const { data, error } = await client.query(PaidCoursesDocument, { first: 10, after }).toPromise();
      if (!data?.courses) throw error;
      return { nodes: data.courses.nodes, ...pageOf(data.courses.pageInfo) };
    },
    async signIn(email, password) {
      const { data, error } = await client
        .mutation(SignInDocument, { input: { email, password } })
        .toPromise();
      if (!data?.login) throw error;
      const { session: signedIn, userErrors } = data.login;
      session = signedIn ?? session;
      return { session: signedIn, refusal: userErrors[0]?.code };
    },
    async signUp(name, email, password) {
      const input = { name, email, password };
      const { data, error } = await client.mutation(SignUpDocument, { input }).toPromise();
      if (!data?.register?.session) throw error ?? data?.register?.userErrors;
      return data.register.session;
    },
    async myName() {
      const { data, error } = await client
        .query(MeDocument, {}, { requestPolicy: 'network-only' })
        .toPromise();
      if (error) throw error;
      return data?.me?.name;
    },
    async buy(courseId, expectedAmount, idempotencyKey) {
      const input = { courseId, expectedAmount, idempotencyKey };
      const { data, error } = await client.mutation(PurchaseCourseDocument, { input }).toPromise();
      if (!data?.purchaseCourse?.payment) throw error ?? data?.purchaseCourse?.userErrors;
      return data.purchaseCourse.payment;
    },
    async studentHome() {
      const { data, error } = await client.query(StudentHomeDocument, {}).toPromise();
      if (error) throw error;
      return data;
    },
    async badRequest() {
      const { error } = await client.query(PaidCoursesDocument, { first: 1000 }).toPromise();
      return error?.graphQLErrors[0]?.extensions.code as string | undefined;
    },
    async latestNews() {
      const { data, error } = await client
        .query(LatestNotificationsDocument, {}, { requestPolicy: 'network-only' })
        .toPromise();
      if (error) throw error;
      return data?.me?.notifications?.nodes ?? [];
    },
    follow(after, onNews) {
      const { unsubscribe } = client
        .subscription(NotificationAddedDocument, { after })
        .subscribe(({ data }) => data && onNews(data.notificationAdded));
      return { stop: unsubscribe };
    },
    close: () => {},
  };
}

function pageOf({ endCursor, hasNextPage }: { endCursor?: string | null; hasNextPage: boolean }) {
  return { endCursor: endCursor ?? null, hasNextPage };
}

await runScenario({
  name: 'urql (@urql/core)',
  version: versionOf('@urql/core'),
  openTab,
  ownSteps: { GET: defaults, 'persisted queries': persistedQueries },
});
