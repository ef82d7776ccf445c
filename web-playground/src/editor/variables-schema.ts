import { type DocumentNode, Kind, parse } from 'graphql';

/** The JSON schema of the variables, in which none with a default value is required. */
export function withoutDefaults<Schema extends object>(schema: Schema, document: string): Schema {
  const { required } = schema as { required?: unknown };
  if (!Array.isArray(required)) return schema;
  const defaults = variablesWithDefault(document);
  return { ...schema, required: required.filter((name) => !defaults.has(name)) };
}

function variablesWithDefault(document: string): Set<string> {
  let parsed: DocumentNode;
  try {
    parsed = parse(document);
  } catch {
    return new Set();
  }
  const operations = parsed.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const variables = operations.flatMap((operation) =>
    operation.kind === Kind.OPERATION_DEFINITION ? (operation.variableDefinitions ?? []) : [],
  );
  return new Set(
    variables.filter(({ defaultValue }) => defaultValue).map(({ variable }) => variable.name.value),
  );
}
