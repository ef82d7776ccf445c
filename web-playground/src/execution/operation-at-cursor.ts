import { Kind, type OperationDefinitionNode, type OperationTypeNode, parse } from 'graphql';

export interface OperationInDocument {
  name: string | undefined;
  kind: OperationTypeNode;
}

/**
 * The operation at an offset of the document: the one around it, otherwise the next one above it, otherwise the first.
 * Undefined when the document cannot be parsed, or has no operation.
 */
export function operationAt(document: string, offset: number): OperationInDocument | undefined {
  const all = operationsOf(document);
  const found = all.findLast(({ loc }) => loc !== undefined && loc.start <= offset) ?? all[0];
  return found && { name: found.name?.value, kind: found.operation };
}

function operationsOf(document: string): OperationDefinitionNode[] {
  try {
    return parse(document).definitions.filter(
      ({ kind }) => kind === Kind.OPERATION_DEFINITION,
    ) as OperationDefinitionNode[];
  } catch {
    return [];
  }
}
