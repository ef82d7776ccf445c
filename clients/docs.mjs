// Writes docs/clients.md from the clients' own code and from docs/clients.json, which `run.mjs --json` writes:
// node docs.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { missingSteps } from './steps.mjs';

const LANGUAGES = { '.py': 'python', '.rs': 'rust' };
const ROOT = join(import.meta.dirname, '..');
const PAGE = join(ROOT, 'docs/clients.md');
const read = (name) => readFileSync(join(ROOT, name), 'utf8');

/** What stands in a file between `docs:NAME` and `docs:end`, without the indentation that it has there. */
function part(file, name) {
  const lines = read(file).split('\n');
  const start = lines.findIndex((line) => line.trim().endsWith(` docs:${name}`));
  if (start < 0) throw new Error(`${file} has no docs:${name}`);
  const length = lines.slice(start).findIndex((line) => line.trim().endsWith(' docs:end'));
  const code = lines.slice(start + 1, start + length);
  while (code.at(-1)?.trim() === '') code.pop();
  const indents = code.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length);
  const indent = Math.min(...indents);
  const language = LANGUAGES[extname(file)] ?? 'ts';
  const text = code.map((line) => line.slice(indent)).join('\n');
  return `\`\`\`${language}\n// ${file}\n${text}\n\`\`\``.replace('```python\n//', '```python\n#');
}

const results = JSON.parse(read('docs/clients.json'));
for (const result of results) {
  const missing = missingSteps(result.folder, result);
  if (missing.length > 0)
    throw new Error(
      `docs/clients.json is of an older run: ${result.client} has no ${missing}. Write it with run.mjs --json`,
    );
}

function table() {
  const steps = [...new Set(results.flatMap((result) => Object.keys(result.steps)))].filter(
    (step) => step !== 'StudentHome',
  );
  const head = ['client', 'version', 'runs on', ...steps];
  const rows = results.map((result) => [
    result.client,
    result.version,
    result.runtime,
    ...steps.map((step) => result.steps[step] ?? '–'),
  ]);
  return markdown(head, rows);
}

function costs() {
  const rows = results.map(({ client, studentHome }) => [
    client,
    studentHome.requests,
    studentHome.sentBytes,
    studentHome.receivedBytes,
    studentHome.fetches ?? '',
    studentHome.statements ?? '',
    studentHome.cost?.toFixed(1) ?? '',
  ]);
  const counted = ['requests', 'bytes sent', 'bytes received', 'requests to subgraphs', 'SQL statements'];
  return markdown(['client', ...counted, 'cost in ms'], rows);
}

function markdown(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const page = `<!-- Generated from the code in clients/ by \`node clients/docs.mjs\`; do not edit. -->

# Clients

How the usual clients are set up for this graph. The code is that of the projects in \`clients/\`, which \`node clients/run.mjs\`
runs against a system, with \`--long\` also Rust's, which takes minutes to build; the table is its result. A whole shop is in
[\`examples/storefront\`](../examples/storefront/README.md).

${table()}

"Two tabs" are two programs with the same tokens, of which the first has expired: both renew at the same time, and both stay
signed in, since a refresh token that was used a few seconds ago gets the same client the same next one. "Reconnection" is a
network that breaks while a notification is sent: it arrives afterwards, once. "Expired token" is a stream that ends because
its token does, in a system whose tokens last for seconds: it goes on with a new one. "GET" is urql with nothing set;
"refetching" loads the later pages of a user's and a course's lists by \`node\`; "websockets transport" follows notifications by
gql's \`WebsocketsTransport\`, where its other steps take \`AIOHTTPWebsocketsTransport\`. A dash stands for what is not tried with
a client.

## What holds for all

- **Where.** \`POST /graphql\` with JSON; subscriptions there, too, as server-sent events or by WebSocket
  ([architecture/live-updates.md](architecture/live-updates.md)). Types come from \`api.graphql\`.
- **Tokens.** \`Authorization: Bearer …\` with the access token. On \`UNAUTHENTICATED\`, call \`refreshSession\` once, keep both
  new ones, and repeat the operation. The old token may be attached: it does no harm there, nor to \`login\` and \`logout\`. Tabs
  that share a session should take turns (Web Locks), as \`examples/storefront/src/client/session.ts\` does.
- **Errors.** Go by \`extensions.code\` ([errors.md](errors.md)). What a person can put right is no error: it is in \`userErrors\`.
- **Objects by id.** \`node(id:)\` finds an object of any type, \`nodes(ids:)\` up to 100 in the order of their ids
  ([architecture/router.md](architecture/router.md#node)). Where you know the type, \`course(id:)\` and its like cost less.
- **Lists.** \`first\` and \`after\`; \`nodes\` or \`edges\`. At most 100 at a time.
- **Money.** \`purchaseCourse\` has an \`idempotencyKey\`: one for each purchase, repeated when an answer is lost.
- **Live updates.** Ask for the newest notification first, and subscribe \`after\` it. After a break, subscribe after the last one
  that came: nothing is missed, and nothing comes twice. Whoever has none yet subscribes without \`after\`, and
  [asks again](#the-first-notification).
- **GET.** Queries may be sent by GET, as urql does by default for short ones; mutations may not. Send what depends on the person
  by POST, since URLs get into logs and histories: urql has \`preferGetMethod: false\` for it.

### The first notification

A new user has nothing to subscribe \`after\`, and a stream without it misses what is created before it stands. So take an event
as a sign to ask for the list, ask for it every few seconds, too, and then subscribe \`after\` its newest one. This does so for
all the clients below but Python's and Rust's, which have the same in their languages:

${part('clients/shared/scenario.ts', 'news')}

## Apollo Client

${part('clients/apollo/src/main.ts', 'client')}

Live updates by graphql-ws:

${part('clients/apollo/src/main.ts', 'live')}

Automatic persisted queries, and operations that wait for each other to go as one request:

${part('clients/apollo/src/links.ts', 'persisted')}

${part('clients/apollo/src/links.ts', 'batch')}

## urql

${part('clients/urql/src/main.ts', 'client')}

Live updates by graphql-sse:

${part('clients/urql/src/main.ts', 'live')}

Automatic persisted queries:

${part('clients/urql/src/defaults.ts', 'persisted')}

## Relay

The network, with tokens that are renewed:

${part('clients/relay/src/environment.ts', 'client')}

${part('clients/relay/src/environment.ts', 'live')}

A list that grows by pages:

${part('clients/relay/src/catalogue.tsx', 'paging')}

Lists of any object that grow by pages, and fragments that are fetched again, by the object's id alone (\`node\`):

${part('clients/relay/src/teacher.tsx', 'node')}

## graphql-request

${part('clients/graphql-request/src/main.ts', 'client')}

${part('clients/graphql-request/src/main.ts', 'live')}

## Python

gql, with models that ariadne-codegen generates:

${part('clients/python-gql/main.py', 'client')}

${part('clients/python-gql/main.py', 'live')}

## Rust

graphql_client, whose types are generated from the files of \`operations/\` while it compiles, reqwest, and graphql-ws-client for
live updates:

${part('clients/rust/src/graph.rs', 'graph')}

${part('clients/rust/src/tab.rs', 'client')}

${part('clients/rust/src/tab.rs', 'live')}

## Other generators

Tried by hand in November 2026: all documents of \`operations/\` pass gql.tada, and genql takes the schema as it is.
sgqlc-codegen takes them without its option \`--schema\`: the check that this adds knows rules of GraphQL that were given up, and
rejects \`Catalogue\`, whose variable \`$orderBy\` may be left out because the argument has a default.

## What StudentHome costs

The document of a student's home, for a new student with four courses, through each client. They differ in what they add to it,
such as \`__typename\`; Rust sends \`operations/StudentHome.graphql\` with its comments. Bytes are those of bodies, before
compression and without HTTP's headers; statements are counted by the [trace](trace.md), without the driver's own; the cost is the
router's ([cost.md](cost.md)). A cost is no time that was measured: it is the same on any machine.

${costs()}
`;

if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
else if (read('docs/clients.md') !== page) {
  console.error('docs/clients.md is not what the code in clients/ says: run `node clients/docs.mjs`');
  process.exit(1);
}
