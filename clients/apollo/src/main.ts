import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  Observable,
  version,
} from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient as createWsClient } from 'graphql-ws';
import { from, mergeMap } from 'rxjs';
import WebSocket from 'ws';
import { recordingFetch, url } from '../../shared/recording.ts';
import { type News, runScenario, type Session, type Tab } from '../../shared/scenario.ts';
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
import { batches, persistedQueries } from './links.ts';

function openTab(): Tab {
  let session: Session | null = null;

  // docs:client
  const authorize = new SetContextLink(({ headers, withoutToken }) => ({
    headers:
      session && !withoutToken ? { ...headers, authorization: `Bearer ${session.accessToken}` } : headers,
  }));
  const renew = new ErrorLink(({ error, operation, forward }) => {
    const isExpired =
      CombinedGraphQLErrors.is(error) &&
      error.errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
    if (!isExpired || !session || operation.getContext().isRetry) return;
    operation.setContext({ isRetry: true });
    return from(refresh()).pipe(mergeMap(() => forward(operation)));
  });
  /** One renewal at a time; those who come meanwhile wait for it. */
  let refreshing: Promise<void> | undefined;
  function refresh(): Promise<void> {
    refreshing ??= client
      .mutate({
        mutation: RefreshSessionDocument,
        variables: { input: { refreshToken: session?.refreshToken ?? '' } },
        context: { withoutToken: true },
      })
      .then(({ data }) => {
        if (data?.refreshSession) session = data.refreshSession.session ?? null;
      })
      .finally(() => {
        refreshing = undefined;
      });
    return refreshing;
  }
  // docs:end

  // docs:live
  const socket = createWsClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    // Asked again for each connection, so that it has the newest token.
    connectionParams: () => ({ authorization: `Bearer ${session?.accessToken ?? ''}` }),
    retryAttempts: 0,
  });
  /** However a stream ends, it goes on behind the last notification that it has seen. */
  function follow(after: string | null): Observable<News> {
    return new Observable((observer) => {
      let isStopped = false;
      let lastId = after;
      let subscription: { unsubscribe: () => void } | undefined;
      async function again() {
        await new Promise((resolve) => setTimeout(resolve, 500));
        // Renews the tokens if they have expired, which ends a stream.
        if (!isStopped)
          await client.query({ query: MeDocument, fetchPolicy: 'network-only' }).catch(() => {});
        if (!isStopped) connect();
      }
      function connect() {
        const events = client.subscribe({ query: NotificationAddedDocument, variables: { after: lastId } });
        subscription = events.subscribe({
          next({ data }) {
            if (!data) return;
            lastId = data.notificationAdded.id;
            observer.next(data.notificationAdded);
          },
          error: again,
          complete: again,
        });
      }
      connect();
      return () => {
        isStopped = true;
        subscription?.unsubscribe();
      };
    });
  }
  // docs:end

  const client = new ApolloClient({
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { courses: relayStylePagination(['filter', 'orderBy']) } } },
    }),
    clientAwareness: { name: 'apollo-example', version: '0.1.0' },
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      new GraphQLWsLink(socket),
      ApolloLink.from([renew, authorize, new HttpLink({ uri: url, fetch: recordingFetch })]),
    ),
  });

  return {
    session: () => session,
    setSession: (next) => {
      session = next;
    },
    async courses(after) {
      const { data } = await client.query({
        query: PaidCoursesDocument,
        variables: { first: 10, after },
        fetchPolicy: 'no-cache',
      });
      if (!data?.courses) throw new Error('no courses');
      const { endCursor, hasNextPage } = data.courses.pageInfo;
      return { nodes: data.courses.nodes, endCursor: endCursor ?? null, hasNextPage };
    },
    async signIn(email, password) {
      const { data } = await client.mutate({
        mutation: SignInDocument,
        variables: { input: { email, password } },
      });
      session = data?.login?.session ?? session;
      return { session: data?.login?.session ?? null, refusal: data?.login?.userErrors[0]?.code };
    },
    async signUp(name, email, password) {
      const { data } = await client.mutate({
        mutation: SignUpDocument,
        variables: { input: { name, email, password } },
      });
      if (!data?.register?.session) throw new Error(JSON.stringify(data?.register?.userErrors));
      return data.register.session;
    },
    async myName() {
      const { data } = await client.query({ query: MeDocument, fetchPolicy: 'network-only' });
      return data?.me?.name;
    },
    async buy(courseId, expectedAmount, idempotencyKey) {
      const { data } = await client.mutate({
        mutation: PurchaseCourseDocument,
        variables: { input: { courseId, expectedAmount, idempotencyKey } },
      });
      const { payment, userErrors } = data?.purchaseCourse ?? {};
      if (!payment) throw new Error(JSON.stringify(userErrors));
      return payment;
    },
    async studentHome() {
      return (await client.query({ query: StudentHomeDocument })).data;
    },
    async badRequest() {
      const { error } = await client.query({
        query: PaidCoursesDocument,
        variables: { first: 1000 },
        errorPolicy: 'all',
      });
      return CombinedGraphQLErrors.is(error) ? (error.errors[0]?.extensions?.code as string) : undefined;
    },
    async latestNews() {
      const { data } = await client.query({
        query: LatestNotificationsDocument,
        fetchPolicy: 'network-only',
      });
      return data?.me?.notifications?.nodes ?? [];
    },
    follow(after, onNews) {
      const subscription = follow(after).subscribe(onNews);
      return { stop: () => subscription.unsubscribe() };
    },
    close() {
      client.stop();
      void socket.dispose();
    },
  };
}

await runScenario({
  name: 'Apollo Client',
  version,
  openTab,
  ownSteps: { 'persisted queries': persistedQueries, batches },
});
