import { Client, type ExecutionResult, fetchExchange, subscriptionExchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import { type NotificationAddedSubscription, NotificationsDocument } from '../gql/graphql';
import { cache, NOTIFICATIONS } from './cache';
import { follow } from './live';
import { renew, session, signedOut, validSession } from './session';

/** A client for one user: whoever signs in gets a new one, with an empty cache. */
export function createClient(userId: string | null): Client {
  const client = new Client({
    url: '/graphql',
    // Answers belong to a person; they are not for caches of browsers.
    preferGetMethod: false,
    fetchOptions: { headers: { 'graphql-client-name': 'storefront', 'graphql-client-version': '0.1.0' } },
    exchanges: [
      cache(),
      auth(userId),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request, { context }) => ({
          subscribe: (sink) =>
            follow(request, context.after, {
              next: (result) => sink.next(result),
              error: (error) => sink.error(error),
              complete: () => sink.complete(),
              latest: () => latestNotifications(client),
            }),
        }),
      }),
    ],
  });
  return client;
}

/** The latest notifications, the newest first, each as the subscription sends it. */
async function latestNotifications(client: Client): Promise<ExecutionResult[] | undefined> {
  const variables = { first: NOTIFICATIONS, after: null };
  const answer = client.query(NotificationsDocument, variables, { requestPolicy: 'network-only' });
  const { data } = await answer.toPromise();
  return data?.me?.notifications?.nodes.map((notificationAdded) => {
    const event: NotificationAddedSubscription = { notificationAdded };
    return { data: event };
  });
}

function auth(userId: string | null) {
  return authExchange(async (utilities) => {
    let token = (await validSession())?.accessToken;
    return {
      addAuthToOperation(operation) {
        token = session()?.accessToken;
        const isOwn = session()?.userId === userId;
        return token && isOwn
          ? utilities.appendHeaders(operation, { authorization: `Bearer ${token}` })
          : operation;
      },
      willAuthError: () => userId !== null && expiresSoon(),
      didAuthError: (error) =>
        token !== undefined &&
        error.graphQLErrors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED'),
      async refreshAuth() {
        const used = session();
        if (used) await renew(used);
        // Renewed and still refused: the account is gone, or its key.
        else if (userId !== null) signedOut();
      },
    };
  });
}

function expiresSoon(): boolean {
  const expiresAt = session()?.expiresAt;
  return expiresAt !== undefined && Date.parse(expiresAt) - Date.now() < 5_000;
}
