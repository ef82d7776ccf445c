/** urql with nothing set, and its automatic persisted queries: both send queries by GET. */
import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { url } from '../../shared/recording.ts';
import { check, unique } from '../../shared/scenario.ts';
import { hadDocuments, keepSent } from '../../shared/sent.ts';
import { PaidCoursesDocument, SignInDocument } from './gql/graphql.js';

export async function defaults(): Promise<void> {
  const { sent, fetch } = keepSent();
  const client = new Client({ url, fetch, exchanges: [cacheExchange, fetchExchange] });
  const { data, error } = await client.query(PaidCoursesDocument, { first: 3 }).toPromise();
  check(data?.courses?.nodes.length === 3, `three courses, not ${error}`);
  const input = { email: 'nobody@lyceum.example', password: 'correct horse battery' };
  const signIn = await client.mutation(SignInDocument, { input }).toPromise();
  check(signIn.data?.login?.userErrors[0]?.code === 'INVALID_CREDENTIALS', `a refusal, not ${signIn.error}`);
  const methods = sent.map(({ method }) => method);
  check(`${methods}` === 'GET,POST', `the query by GET, the mutation by POST: ${methods}`);
}

export async function persistedQueries(): Promise<void> {
  const { sent, fetch } = keepSent();
  // docs:persisted
  const client = new Client({ url, fetch, exchanges: [cacheExchange, persistedExchange(), fetchExchange] });
  // docs:end
  // Nobody has sent this document before.
  const query = gql<{ courses: { nodes: { id: string }[] } }>(
    `query Persisted_${unique()} { courses(first: 1) { nodes { id } } }`,
  );
  for (let times = 0; times < 2; times += 1) {
    const { data, error } = await client.query(query, {}, { requestPolicy: 'network-only' }).toPromise();
    check(data?.courses.nodes.length === 1, `a course, not ${error}`);
  }
  const documents = hadDocuments(sent);
  check(`${documents}` === 'false,true,false', `the document is sent once, when it is missing: ${documents}`);
  check(sent.at(-1)?.method === 'GET', 'the hash alone by GET');
}
