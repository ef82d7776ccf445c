import { parseJSONC } from '@graphiql/react';
import type { OperationTypeNode } from 'graphql';
import { applyEnvironment } from '../environments/environments';
import { type OperationInDocument, operationAt } from '../execution/operation-at-cursor';
import type { GraphQLRequest } from '../network/send';
import { graphiqlState, type TabTexts } from './graphiql-state';

export interface TabRequest {
  request: GraphQLRequest;
  headers: Record<string, string>;
  kind: OperationTypeNode;
}

/** The request of a tab: the operation at the cursor, with the values of the environment. Throws when it is invalid. */
export function readRequest(tab: TabTexts): TabRequest {
  const { query, variables, headers, extensions } = applyEnvironment(tab);
  const operation = readOperation(query);
  return {
    request: {
      query,
      variables: readObject('Variables', variables),
      operationName: operation?.name,
      extensions: readObject('Request extensions', extensions),
    },
    headers: textValues(readObject('Request headers', headers)),
    kind: operation?.kind ?? ('query' as OperationTypeNode),
  };
}

/** The operation at the cursor. */
export function readOperation(query: string): OperationInDocument | undefined {
  return operationAt(query, cursorOffset());
}

function cursorOffset(): number {
  const { queryEditor } = graphiqlState() ?? {};
  const position = queryEditor?.getPosition();
  return position ? (queryEditor?.getModel()?.getOffsetAt(position) ?? 0) : 0;
}

function readObject(what: string, text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = parseJSONC(text);
  } catch (error) {
    throw new Error(`${what} are invalid JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`${what} are not a JSON object.`);
  return value as Record<string, unknown>;
}

function textValues(values: Record<string, unknown> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
