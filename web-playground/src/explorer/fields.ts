import {
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  OperationTypeNode,
} from 'graphql';

/** A field on the way from the root of an operation. */
export interface Step {
  field: string;
  /** The type that has it, where the parent can be of several. */
  on: string | undefined;
  args: readonly GraphQLArgument[];
  type: GraphQLNamedType;
}

/** A field that an operation can select, by its shortest way from a root. */
export interface ReachableField {
  operation: OperationTypeNode;
  path: Step[];
  name: string;
  /** Such as `[Course!]!`. */
  type: string;
  description: string;
  args: readonly GraphQLArgument[];
}

/** The fields of every type that can be reached, each type by its shortest way. */
export function reachableFields(schema: GraphQLSchema): ReachableField[] {
  return Object.values(OperationTypeNode).flatMap((operation) => {
    const root = schema.getRootType(operation);
    return root ? fieldsBelow(schema, operation, root) : [];
  });
}

function fieldsBelow(
  schema: GraphQLSchema,
  operation: OperationTypeNode,
  root: GraphQLNamedType,
): ReachableField[] {
  const found: ReachableField[] = [];
  const seen = new Set([root.name]);
  const queue: { type: GraphQLNamedType; path: Step[]; on: string | undefined }[] = [
    { type: root, path: [], on: undefined },
  ];
  for (const { type, path, on } of queue) {
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        const inner = getNamedType(field.type);
        const own = [...path, { field: field.name, on, args: field.args, type: inner }];
        found.push({
          operation,
          path: own,
          name: field.name,
          type: String(field.type),
          description: field.description ?? '',
          args: field.args,
        });
        if (!isCompositeType(inner) || seen.has(inner.name)) continue;
        seen.add(inner.name);
        queue.push({ type: inner, path: own, on: undefined });
      }
    }
    if (!isAbstractType(type)) continue;
    for (const member of schema.getPossibleTypes(type)) {
      if (seen.has(member.name)) continue;
      seen.add(member.name);
      queue.push({ type: member, path, on: member.name });
    }
  }
  return found;
}

/** Such as `me.enrollments.nodes`; with the type where the parent can be of several. */
export function pathText(path: Step[]): string {
  return path.map(({ field, on }) => (on ? `${on}:${field}` : field)).join('.');
}

/** Those with all the words in their way, type, arguments or description; the best ones first. */
export function searchFields(fields: ReachableField[], text: string): ReachableField[] {
  const words = text
    .toLowerCase()
    .split(/[\s.]+/)
    .filter(Boolean);
  if (words.length === 0) return [];
  const ranked = fields.flatMap((field) => {
    const name = field.name.toLowerCase();
    const parts = [pathText(field.path), field.type, field.description, ...field.args.map((arg) => arg.name)];
    const all = parts.join(' ').toLowerCase();
    if (!words.every((word) => all.includes(word))) return [];
    const best = words.some((word) => name === word)
      ? 0
      : words.some((word) => name.startsWith(word))
        ? 1
        : words.some((word) => name.includes(word))
          ? 2
          : 3;
    return [{ field, rank: best * 100 + field.path.length }];
  });
  return ranked.toSorted((one, other) => one.rank - other.rank).map(({ field }) => field);
}
