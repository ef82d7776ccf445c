/** Apollo's links that send requests of another shape, each in a client of its own. */
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { BatchHttpLink } from '@apollo/client/link/batch-http';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { url } from '../../shared/recording.ts';
import { check, unique } from '../../shared/scenario.ts';
import { hadDocuments, keepSent } from '../../shared/sent.ts';
import { PaidCoursesDocument } from './gql/graphql.js';

export async function persistedQueries(): Promise<void> {
  const { sent, fetch } = keepSent();
  // docs:persisted
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([new PersistedQueryLink({ sha256 }), new HttpLink({ uri: url, fetch })]),
  });
  // docs:end
  // Nobody has sent this document before.
  const query = gql(`query Persisted_${unique()} { courses(first: 1) { nodes { id } } }`);
  for (let times = 0; times < 2; times += 1) {
    const { data } = await client.query<{ courses: { nodes: { id: string }[] } }>({
      query,
      fetchPolicy: 'no-cache',
    });
    check(data?.courses.nodes.length === 1, 'a course');
  }
  const documents = hadDocuments(sent);
  check(`${documents}` === 'false,true,false', `the document is sent once, when it is missing: ${documents}`);
  client.stop();
}

export async function batches(): Promise<void> {
  const { sent, fetch } = keepSent();
  // docs:batch
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new BatchHttpLink({ uri: url, fetch, batchMax: 10, batchInterval: 20 }),
  });
  // docs:end
  const page = (first: number) =>
    client.query({ query: PaidCoursesDocument, variables: { first }, fetchPolicy: 'no-cache' });
  const pages = await Promise.all([page(1), page(2)]);
  const lengths = pages.map(({ data }) => data?.courses?.nodes.length);
  check(`${lengths}` === '1,2', `each operation has its own answer: ${lengths}`);
  check(sent.length === 1, `one request, not ${sent.length}`);
  const { parameters } = sent[0] ?? {};
  check(Array.isArray(parameters) && parameters.length === 2, 'a batch of two');
  client.stop();
}
