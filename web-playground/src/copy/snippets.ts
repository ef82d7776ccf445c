/** What a snippet sends. */
export interface SnippetRequest {
  url: string;
  query: string;
  variables: Record<string, unknown>;
  operationName: string | undefined;
  /** Those of the extensions editor. */
  extensions?: Record<string, unknown> | undefined;
  isSubscription: boolean;
  /** Those of the headers editor. */
  headers: Record<string, string>;
  /** Only when the user has asked for it. */
  token: string | undefined;
}

export const SNIPPETS = [
  { id: 'curl', label: 'cURL' },
  { id: 'fetch', label: 'fetch' },
  { id: 'apollo', label: 'Apollo Client' },
  { id: 'urql', label: 'urql' },
  { id: 'graphql-request', label: 'graphql-request' },
  { id: 'python', label: 'Python, gql' },
] as const;

export type SnippetId = (typeof SNIPPETS)[number]['id'];

/** Where the token belongs in a snippet that has none. */
const TOKEN_NOTE = 'Add the header `authorization: Bearer …` to send it for a signed-in user.';
/** In the code of clients that send none, or only those of their own. */
const EXTENSIONS_NOTE = 'The request extensions are left out: copy as cURL or fetch to have them.';

/** Code that sends the request. */
export function snippet(id: SnippetId, request: SnippetRequest): string {
  return WRITERS[id](request);
}

const WRITERS: Record<SnippetId, (request: SnippetRequest) => string> = {
  curl: curlSnippet,
  fetch: fetchSnippet,
  apollo: apolloSnippet,
  urql: urqlSnippet,
  'graphql-request': graphqlRequestSnippet,
  python: pythonSnippet,
};

function allHeaders({ headers, token }: SnippetRequest): Record<string, string> {
  return { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers };
}

function bodyOf({ query, variables, operationName, extensions }: SnippetRequest) {
  return { query, variables, ...(operationName ? { operationName } : {}), ...(extensions && { extensions }) };
}

function curlSnippet(request: SnippetRequest): string {
  const accept = request.isSubscription ? 'text/event-stream' : 'application/graphql-response+json';
  const headers = { 'content-type': 'application/json', accept, ...allHeaders(request) };
  const lines = [
    // -N shows events as they arrive.
    `curl ${request.isSubscription ? '-N ' : ''}${shell(request.url)}`,
    ...Object.entries(headers).map(([name, value]) => `  -H ${shell(`${name}: ${value}`)}`),
    `  --data-raw ${shell(JSON.stringify(bodyOf(request)))}`,
  ];
  return lines.join(' \\\n');
}

/** In single quotes nothing is special but the quote itself. */
function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fetchSnippet(request: SnippetRequest): string {
  const headers = { 'content-type': 'application/json', ...allHeaders(request) };
  return `const response = await fetch(${JSON.stringify(request.url)}, {
  method: 'POST',
  headers: ${indent(JSON.stringify(headers, null, 2))},
  body: JSON.stringify({
    query: ${template(request.query)},
    variables: ${indent(JSON.stringify(request.variables, null, 2), 4)},${
      request.operationName ? `\n    operationName: ${JSON.stringify(request.operationName)},` : ''
    }${
      request.extensions ? `\n    extensions: ${indent(JSON.stringify(request.extensions, null, 2), 4)},` : ''
    }
  }),
});
const { data, errors } = await response.json();
`;
}

function apolloSnippet(request: SnippetRequest): string {
  const headers = allHeaders(request);
  const isMutation = isKind(request, 'mutation');
  const link = `new HttpLink({ uri: ${JSON.stringify(request.url)}, headers: ${JSON.stringify(headers)} })`;
  const call = request.isSubscription ? 'subscribe' : isMutation ? 'mutate' : 'query';
  const result = request.isSubscription ? 'const events =' : 'const { data } = await';
  return `import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';

${note(request, '//')}const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ${link},
});
${result} client.${call}({
  ${isMutation ? 'mutation' : 'query'}: gql${template(request.query)},
  variables: ${indent(JSON.stringify(request.variables, null, 2))},
});
`;
}

function urqlSnippet(request: SnippetRequest): string {
  const call = request.isSubscription ? 'subscription' : isKind(request, 'mutation') ? 'mutation' : 'query';
  const options = JSON.stringify({ headers: allHeaders(request) });
  return `import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';

${note(request, '//')}const client = new Client({
  url: ${JSON.stringify(request.url)},
  exchanges: [cacheExchange, fetchExchange],
  fetchOptions: ${options},${request.isSubscription ? '\n  fetchSubscriptions: true,' : ''}
});
const result = client.${call}(
  gql${template(request.query)},
  ${indent(JSON.stringify(request.variables, null, 2))},
);
${request.isSubscription ? 'result.subscribe((event) => console.log(event.data));' : 'const { data, error } = await result;'}
`;
}

function graphqlRequestSnippet(request: SnippetRequest): string {
  if (request.isSubscription)
    return '// graphql-request has no subscriptions: use urql, Apollo Client or graphql-sse.\n';
  return `import { gql, GraphQLClient } from 'graphql-request';

${note(request, '//')}const client = new GraphQLClient(${JSON.stringify(request.url)}, {
  headers: ${JSON.stringify(allHeaders(request))},
});
const data = await client.request(
  gql${template(request.query)},
  ${indent(JSON.stringify(request.variables, null, 2))},
);
`;
}

function pythonSnippet(request: SnippetRequest): string {
  if (request.isSubscription)
    return '# gql has no subscriptions over server-sent events: read them with httpx-sse.\n';
  return `import json

from gql import Client, gql
from gql.transport.requests import RequestsHTTPTransport

${note(request, '#')}transport = RequestsHTTPTransport(
    url=${JSON.stringify(request.url)},
    headers=json.loads(${pythonText(JSON.stringify(allHeaders(request)))}),
)
client = Client(transport=transport)
query = gql(${pythonText(request.query)})
variables = json.loads(${pythonText(JSON.stringify(request.variables))})
print(client.execute(query, variable_values=variables))
`;
}

function isKind({ query }: SnippetRequest, kind: string): boolean {
  return new RegExp(`^\\s*${kind}\\b`, 'm').test(query);
}

function note({ token, headers, extensions }: SnippetRequest, comment: string): string {
  const hasToken = token || Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  const notes = [hasToken ? '' : TOKEN_NOTE, extensions ? EXTENSIONS_NOTE : ''].filter(Boolean);
  return notes.map((one) => `${comment} ${one}\n`).join('');
}

/** A template literal. */
function template(text: string): string {
  return `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``;
}

/** JSON's escapes are Python's, too. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}

function indent(text: string, columns = 2): string {
  return text.replaceAll('\n', `\n${' '.repeat(columns)}`);
}
