import { redactSecrets } from '../storage/secrets';

/** An operation of a collection. */
export interface SavedOperation {
  name: string;
  query: string;
  /** As JSON. */
  variables: string;
  /** As JSON. Not stored in the browser; only in files that were made elsewhere. */
  headers: string;
  /** As JSON. */
  extensions: string;
}

export interface Collection {
  name: string;
  operations: SavedOperation[];
}

const FORMAT = 'lyceum-collections';

/** The collections as a file: without headers, tokens and passwords. */
export function exportCollections(collections: Collection[]): string {
  const withoutHeaders = collections.map(({ name, operations }) => ({
    name,
    operations: operations.map((operation) => ({
      name: operation.name,
      query: redactSecrets(operation.query),
      variables: redactSecrets(operation.variables),
      extensions: redactSecrets(operation.extensions),
    })),
  }));
  return `${JSON.stringify({ format: FORMAT, version: 1, collections: withoutHeaders }, null, 2)}\n`;
}

/** Reads our own files, and those of Postman (v2 and v2.1) and Altair (`.agc`, `.agx`). Throws when it is none of them. */
export function importCollections(text: string): Collection[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error('The file is not JSON.');
  }
  const read = readOwn(file) ?? readPostman(file) ?? readAltair(file);
  if (!read) throw new Error('The file is a collection of neither this page nor Postman nor Altair.');
  const collections = read.filter(({ operations }) => operations.length > 0);
  if (collections.length === 0) throw new Error('The file has no GraphQL operation.');
  return collections;
}

type Json = Record<string, unknown>;

function readOwn(file: unknown): Collection[] | undefined {
  const { format, collections } = asRecord(file);
  if (format !== FORMAT) return undefined;
  return asList(collections).map((one) => {
    const { name, operations } = asRecord(one);
    return {
      name: asText(name) || 'Imported',
      operations: asList(operations)
        .map(asRecord)
        .map(({ name, query, variables, extensions }) => saved({ name, query, variables, extensions }))
        .filter(isSaved),
    };
  });
}

/** Folders may be nested: their names are joined. */
function readPostman(file: unknown): Collection[] | undefined {
  const { info, item } = asRecord(file);
  if (!asText(asRecord(info).schema).includes('getpostman.com') || !Array.isArray(item)) return undefined;
  return readPostmanItems(asText(asRecord(info).name) || 'Postman', item);
}

function readPostmanItems(name: string, items: unknown[]): Collection[] {
  const operations = items.map((item) => postmanOperation(asRecord(item))).filter(isSaved);
  const folders = items.map(asRecord).filter(({ item }) => Array.isArray(item));
  return [
    { name, operations },
    ...folders.flatMap((folder) => readPostmanItems(`${name} / ${asText(folder.name)}`, asList(folder.item))),
  ];
}

function postmanOperation({ name, request }: Json): SavedOperation | undefined {
  const { body, header } = asRecord(request);
  const { mode, graphql, raw } = asRecord(body);
  const headers = asList(header)
    .map(asRecord)
    .filter(({ disabled }) => disabled !== true);
  if (mode === 'graphql') {
    const { query, variables } = asRecord(graphql);
    return saved({ name, query, variables, headers });
  }
  if (mode !== 'raw') return undefined;
  const { query, variables, extensions } = asRecord(tryParse(asText(raw)));
  return saved({ name, query, variables, extensions, headers });
}

function readAltair(file: unknown): Collection[] | undefined {
  const { type, title, queries, collections } = asRecord(file);
  if (type === 'window') {
    const operation = altairOperation(asRecord(file));
    return [{ name: 'Altair', operations: operation ? [operation] : [] }];
  }
  if (type !== 'collection') return undefined;
  const name = asText(title) || 'Altair';
  const operations = asList(queries).map(asRecord).map(altairOperation).filter(isSaved);
  const inner = asList(collections).flatMap(
    (one) => readAltair({ ...asRecord(one), type: 'collection' }) ?? [],
  );
  return [{ name, operations }, ...inner.map((one) => ({ ...one, name: `${name} / ${one.name}` }))];
}

function altairOperation({ windowName, query, variables, headers }: Json): SavedOperation | undefined {
  const enabled = asList(headers)
    .map(asRecord)
    .filter(({ enabled }) => enabled !== false);
  return saved({ name: windowName, query, variables, headers: enabled });
}

/** What a file says of an operation. */
interface Found {
  name: unknown;
  query: unknown;
  variables: unknown;
  extensions?: unknown;
  headers?: Json[];
}

function saved({ name, query, variables, extensions, headers = [] }: Found): SavedOperation | undefined {
  if (typeof query !== 'string' || !query.trim()) return undefined;
  const named = headers.filter(({ key }) => asText(key));
  const values = Object.fromEntries(named.map(({ key, value }) => [asText(key), asText(value)]));
  return {
    name: asText(name) || /\b(?:query|mutation|subscription)\s+(\w+)/.exec(query)?.[1] || 'Unnamed',
    query,
    variables: asJsonText(variables),
    headers: named.length > 0 ? JSON.stringify(values, null, 2) : '',
    extensions: asJsonText(extensions),
  };
}

function isSaved(operation: SavedOperation | undefined): operation is SavedOperation {
  return operation !== undefined;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A file has JSON as such, or as a text. */
function asJsonText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value ? JSON.stringify(value, null, 2) : '';
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
