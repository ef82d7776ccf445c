import { createClient as createWsClient } from 'graphql-ws';
import {
  Environment,
  type GraphQLResponse,
  Network,
  Observable,
  RecordSource,
  type RequestParameters,
  Store,
  type Variables,
} from 'relay-runtime';
import WebSocket from 'ws';
import { recordingFetch, url } from '../../shared/recording.ts';
import type { Session } from '../../shared/scenario.ts';

/** The session of a tab, which the environment renews. */
export interface Tokens {
  session: Session | null;
  /** The id of the last notification, behind which a broken stream goes on. */
  lastId: string | null;
}

/** Errors of a whole answer, with the code of the first one. */
export class GraphQLErrors extends Error {
  readonly code: string | undefined;
  constructor(errors: readonly { message: string; extensions?: { code?: string } }[]) {
    super(errors.map(({ message }) => message).join('\n'));
    this.code = errors[0]?.extensions?.code;
  }
}

// docs:client
const REFRESH = `mutation RefreshSession($input: RefreshSessionInput!) {
  refreshSession(input: $input) { session { accessToken refreshToken } userErrors { code } }
}`;

export function createEnvironment(tokens: Tokens) {
  async function post(body: object, token: string | undefined): Promise<GraphQLResponse> {
    const response = await recordingFetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      body: JSON.stringify(body),
    });
    return response.json() as Promise<GraphQLResponse>;
  }

  async function send({ name, text }: RequestParameters, variables: Variables): Promise<GraphQLResponse> {
    const body = { operationName: name, query: text, variables };
    const first = await post(body, tokens.session?.accessToken);
    const answer =
      codeOf(first) === 'UNAUTHENTICATED' && (await refresh())
        ? await post(body, tokens.session?.accessToken)
        : first;
    const { errors, data } = answer as {
      errors?: ConstructorParameters<typeof GraphQLErrors>[0];
      data?: object;
    };
    // Relay takes an answer with data for a success; what has nothing in it is none.
    if (errors && Object.values(data ?? {}).every((value) => value === null)) throw new GraphQLErrors(errors);
    return answer;
  }

  async function refresh(): Promise<boolean> {
    if (!tokens.session) return false;
    const variables = { input: { refreshToken: tokens.session.refreshToken } };
    const { data } = (await post({ query: REFRESH, variables }, undefined)) as {
      data?: { refreshSession?: { session: Session | null } | null };
    };
    if (data?.refreshSession) tokens.session = data.refreshSession.session;
    return tokens.session !== null;
  }
  // docs:end

  // docs:live
  const socket = createWsClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: `Bearer ${tokens.session?.accessToken ?? ''}` }),
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 500)),
    shouldRetry: () => true,
  });
  function follow({ name, text }: RequestParameters, variables: Variables): Observable<GraphQLResponse> {
    return Observable.create((sink) => {
      // Read again when graphql-ws sends the operation once more, after a break.
      const resumed = Object.defineProperty({ ...variables }, 'after', {
        enumerable: true,
        get: () => tokens.lastId,
      });
      return socket.subscribe(
        { operationName: name, query: text ?? '', variables: resumed },
        {
          next: (result) => sink.next(result as GraphQLResponse),
          error: (error: unknown) => sink.error(error instanceof Error ? error : new Error(String(error))),
          complete: () => sink.complete(),
        },
      );
    });
  }
  // docs:end

  const environment = new Environment({
    network: Network.create(send, follow),
    store: new Store(new RecordSource()),
  });
  return { environment, close: () => void socket.dispose() };
}

function codeOf(answer: GraphQLResponse): string | undefined {
  const { errors } = answer as { errors?: { extensions?: { code?: string } }[] };
  return errors?.[0]?.extensions?.code;
}
