import { type Operation, readOperation } from './operation';

const documents = import.meta.glob<string>(
  ['../../../operations/**/*.graphql', '!../../../operations/services/**'],
  { query: '?raw', import: 'default', eager: true },
);
const variables = import.meta.glob<string>('../../../operations/**/*.variables.json', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Every document of `operations/` that clients send, by name. */
export const operations: Operation[] = Object.entries(documents).map(([path, document]) => {
  const name = path.slice(path.lastIndexOf('/') + 1).replace('.graphql', '');
  return readOperation(name, document, variables[path.replace('.graphql', '.variables.json')] ?? '');
});

export const studentHome = findOperation('StudentHome');

export function findOperation(name: string): Operation {
  const operation = operations.find((candidate) => candidate.name === name);
  if (!operation) throw new Error(`operations/${name}.graphql is missing`);
  return operation;
}
