import { createClient as createWsClient } from 'graphql-ws';
import {
  Environment,
  type GraphQLResponse,
  type LogFunction,
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

export function createEnvironment(tokens: Tokens, log?: LogFunction) {
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
    // Asked again for each connection, so that it has the newest token.
    connectionParams: () => ({ authorization: `Bearer ${tokens.session?.accessToken ?? ''}` }),
    retryAttempts: 0,
  });
  /** However a stream ends, it goes on behind the last notification that it has seen. */
  function follow({ name, text }: RequestParameters, variables: Variables): Observable<GraphQLResponse> {
    return Observable.create((sink) => {
      let after: unknown = variables.after;
      let isStopped = false;
      let isExpired = false;
      let dispose = () => {};
      async function again() {
        await new Promise((resolve) => setTimeout(resolve, 500));
        // A stream ends when its token expires, also one that requests may still have for some seconds.
        if (isExpired) await refresh().catch(() => false);
        isExpired = false;
        if (!isStopped) connect();
      }
      function connect() {
        // What has failed holds the connection, whose token is an old one, until it is disposed of.
        dispose();
        dispose = socket.subscribe<{ notificationAdded?: { id: string } }>(
          { operationName: name, query: text ?? '', variables: { ...variables, after } },
          {
            next: (result) => {
              isExpired = result.errors?.[0]?.extensions?.code === 'UNAUTHENTICATED';
              if (!result.data) return;
              after = result.data.notificationAdded?.id ?? after;
              sink.next(result as GraphQLResponse);
            },
            error: (reason) => {
              isExpired ||= isAboutToken(reason);
              again();
            },
            complete: again,
          },
        );
      }
      connect();
      return () => {
        isStopped = true;
        dispose();
      };
    });
  }
  // docs:end

  const environment = new Environment({
    network: Network.create(send, follow),
    store: new Store(new RecordSource()),
    ...(log ? { log } : {}),
  });
  return { environment, close: () => void socket.dispose() };
}

/** Whether a stream was refused for its token, or its connection was. */
function isAboutToken(reason: unknown): boolean {
  if (Array.isArray(reason)) return codeOf({ errors: reason } as GraphQLResponse) === 'UNAUTHENTICATED';
  return (reason as { code?: number }).code === 4403;
}

function codeOf(answer: GraphQLResponse): string | undefined {
  const { errors } = answer as { errors?: { extensions?: { code?: string } }[] };
  return errors?.[0]?.extensions?.code;
}
