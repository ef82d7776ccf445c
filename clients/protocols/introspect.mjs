// Reads the schema as tools do, by introspection, and compares it with the one in a file: node introspect.mjs URL FILE.
// Prints what it finds wrong, one line each, and then the directives as JSON.
import { readFileSync } from 'node:fs';
import {
  assertValidSchema,
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';

const [url, file] = process.argv.slice(2);
const everything = {
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
};

async function introspect(options) {
  const body = JSON.stringify({ query: getIntrospectionQuery(options) });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

function printed(schema) {
  return printSchema(lexicographicSortSchema(schema));
}

const data = await introspect(everything);
const schema = buildClientSchema(data);
assertValidSchema(schema);
// What tools ask by default, which is less.
assertValidSchema(buildClientSchema(await introspect({})));

const expected = printed(buildSchema(readFileSync(file, 'utf8'))).split('\n');
const found = printed(schema).split('\n');
const missing = expected.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`);
const unexpected = found.filter((line) => !expected.includes(line)).map((line) => `unexpected: ${line}`);
const wrong = [...missing, ...unexpected];
if (wrong.length === 0 && expected.join('\n') !== found.join('\n')) wrong.push('the order of lines differs');
console.log(JSON.stringify({ wrong, directives: data.__schema.directives }));
