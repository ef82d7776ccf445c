// Operations and their results.

import { type DocumentNode, getOperationAST, OperationTypeNode } from "graphql";
import type { Viewer } from "./permissions.ts";

export interface Operation {
  document: DocumentNode;
  variables: Record<string, unknown>;
  operationName: string | undefined;
  viewer: Viewer;
}

export interface ResultError {
  code: string;
  path: (string | number)[];
}

export interface OperationResult {
  data: unknown;
  errors: ResultError[];
}

export function isMutation(operation: Operation): boolean {
  const found = getOperationAST(operation.document, operation.operationName);
  return found?.operation === OperationTypeNode.MUTATION;
}
