import { type DocumentNode, type GraphQLSchema, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';

/** The types and fields that a document selects from, such as `User` and `User.name`; none of an invalid document. */
export function selectedParts(document: string, schema: GraphQLSchema): Set<string> {
  const parts = new Set<string>();
  const types = new TypeInfo(schema);
  const read = tryParse(document);
  if (!read) return parts;
  visit(
    read,
    visitWithTypeInfo(types, {
      Field({ name }) {
        const parent = types.getParentType();
        if (!parent || !types.getFieldDef()) return;
        parts.add(parent.name);
        parts.add(`${parent.name}.${name.value}`);
      },
    }),
  );
  return parts;
}

function tryParse(document: string): DocumentNode | undefined {
  try {
    return parse(document);
  } catch {
    return undefined;
  }
}
