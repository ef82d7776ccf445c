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
  LatestNotificationDocument,
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
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 500)),
    shouldRetry: () => true,
  });
  /** The id of the last notification: after a break, graphql-ws sends the operation again, and asks for newer ones. */
  let lastId: string | null = null;
  const resume = new ApolloLink((operation, forward) => {
    Object.defineProperty(operation.variables, 'after', { enumerable: true, get: () => lastId });
    return forward(operation);
  });
  // docs:end

  const client = new ApolloClient({
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { courses: relayStylePagination(['filter', 'orderBy']) } } },
    }),
    clientAwareness: { name: 'apollo-example', version: '0.1.0' },
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      ApolloLink.from([resume, new GraphQLWsLink(socket)]),
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
    follow(onNews: (news: News) => void) {
      const events = new Observable<News>((observer) => {
        void client
          .query({ query: LatestNotificationDocument, fetchPolicy: 'network-only' })
          .then(({ data }) => {
            lastId = data?.me?.notifications?.nodes[0]?.id ?? null;
            client.subscribe({ query: NotificationAddedDocument }).subscribe(({ data: event }) => {
              if (!event) return;
              lastId = event.notificationAdded.id;
              observer.next(event.notificationAdded);
            });
          });
      });
      const subscription = events.subscribe(onNews);
      return { stop: () => subscription.unsubscribe() };
    },
    close() {
      client.stop();
      void socket.dispose();
    },
  };
}

await runScenario({ name: 'Apollo Client', version, openTab });
