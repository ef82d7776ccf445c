// Directives that a client library handles by itself: the server never sees them.

import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  parseConstValue,
  parseType,
  type VariableDefinitionNode,
  visit,
} from "graphql";

/** Relay's, and Apollo's. */
const CLIENT_DIRECTIVES = new Set([
  ...["argumentDefinitions", "arguments", "connection", "stream_connection", "refetchable"],
  ...["relay", "inline", "required", "catch", "throwOnFieldError", "raw_response_type", "match"],
  ...["module", "alias", "appendNode", "prependNode", "appendEdge", "prependEdge", "deleteRecord"],
  ...["deleteEdge", "assignable", "updatable", "waterfall", "preloadable", "no_inline"],
  ...["export", "nonreactive", "unmask"],
]);

/** What the server gets. The same document when it has none of these directives. */
export function withoutClientDirectives(document: DocumentNode): DocumentNode {
  const definitions = argumentDefinitions(document);
  const isLocal = (directives: readonly DirectiveNode[] | undefined) =>
    directives?.some(({ name }) => name.value === "client");
  return visit(document, {
    Field: ({ directives }) => (isLocal(directives) ? null : undefined),
    FragmentSpread: ({ directives }) => (isLocal(directives) ? null : undefined),
    InlineFragment: ({ directives }) => (isLocal(directives) ? null : undefined),
    Directive: ({ name }) => (CLIENT_DIRECTIVES.has(name.value) ? null : undefined),
    OperationDefinition(node) {
      const given = node.variableDefinitions ?? [];
      const names = new Set(given.map(({ variable }) => variable.name.value));
      const added = definitions.filter(({ variable }) => !names.has(variable.name.value));
      if (added.length === 0) return undefined;
      return { ...node, variableDefinitions: [...given, ...added] };
    },
  });
}

/**
 * The arguments of Relay's fragments are variables of the operation, with the default of the fragment. The value that
 * a spread passes has the same type.
 */
function argumentDefinitions({ definitions }: DocumentNode): VariableDefinitionNode[] {
  const found = new Map<string, VariableDefinitionNode>();
  for (const node of definitions) {
    if (node.kind !== Kind.FRAGMENT_DEFINITION) continue;
    for (const definition of argumentsOf(node)) {
      found.set(definition.variable.name.value, definition);
    }
  }
  return [...found.values()];
}

function argumentsOf({ directives }: FragmentDefinitionNode): VariableDefinitionNode[] {
  const directive = directives?.find(({ name }) => name.value === "argumentDefinitions");
  return (directive?.arguments ?? []).flatMap(({ name, value }): VariableDefinitionNode[] => {
    if (value.kind !== Kind.OBJECT) return [];
    const field = (key: string) => value.fields.find((each) => each.name.value === key)?.value;
    const [type, defaultValue] = [field("type"), field("defaultValue")];
    if (type?.kind !== Kind.STRING) return [];
    return [
      {
        kind: Kind.VARIABLE_DEFINITION,
        variable: { kind: Kind.VARIABLE, name },
        type: parseType(type.value),
        defaultValue: defaultValue && parseConstValue(valueText(defaultValue)),
      },
    ];
  });
}

const valueText = ({ loc }: { loc?: { source: { body: string }; start: number; end: number } }) =>
  loc ? loc.source.body.slice(loc.start, loc.end) : "null";
