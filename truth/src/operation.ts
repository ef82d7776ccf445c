// What is asked, and what is answered.

import { type DocumentNode, getOperationAST, OperationTypeNode } from "graphql";
import type { Viewer } from "./permissions.ts";

export interface Operation {
  document: DocumentNode;
  variables: Record<string, unknown>;
  operationName: string | undefined;
  viewer: Viewer;
}

export interface Problem {
  code: string;
  path: (string | number)[];
}

export interface Answer {
  data: unknown;
  errors: Problem[];
}

export function isMutation(operation: Operation): boolean {
  const found = getOperationAST(operation.document, operation.operationName);
  return found?.operation === OperationTypeNode.MUTATION;
}
