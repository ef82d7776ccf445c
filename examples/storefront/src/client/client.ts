import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import { ViewerDocument } from '../gql/graphql';
import { cache } from './cache';
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
        forwardSubscription: (request) => ({
          subscribe: (sink) =>
            follow(request, {
              next: (result) => sink.next(result),
              error: (error) => sink.error(error),
              complete: () => sink.complete(),
              // What came meanwhile is at least counted.
              gap: () => client.query(ViewerDocument, {}, { requestPolicy: 'network-only' }).toPromise(),
            }),
        }),
      }),
    ],
  });
  return client;
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
