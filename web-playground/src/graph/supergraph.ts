import {
  type DefinitionNode,
  type DirectiveNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  parse,
  print,
  type StringValueNode,
  type TypeNode,
} from 'graphql';
import supergraph from '../../../supergraph.graphql?raw';

export interface GraphArgument {
  name: string;
  type: string;
  description: string;
}

/** A field, an input field, an enum value, or a member of a union. */
export interface GraphField {
  name: string;
  /** Such as `[Course!]!`; empty for an enum value. */
  type: string;
  /** The named type. */
  namedType: string;
  description: string;
  args: GraphArgument[];
  /** Which subgraphs resolve it. */
  subgraphs: string[];
}

export interface GraphType {
  name: string;
  kind: 'object' | 'union' | 'input' | 'enum' | 'scalar';
  description: string;
  fields: GraphField[];
  subgraphs: string[];
  /** The fields of its `@key`; empty for a type that is not an entity. */
  key: string;
  /** The subgraph that owns the type; undefined for shared types. */
  owner: string | undefined;
}

export const ROOTS = ['Query', 'Mutation', 'Subscription'];

const KINDS: Partial<Record<Kind, GraphType['kind']>> = {
  [Kind.OBJECT_TYPE_DEFINITION]: 'object',
  [Kind.UNION_TYPE_DEFINITION]: 'union',
  [Kind.INPUT_OBJECT_TYPE_DEFINITION]: 'input',
  [Kind.ENUM_TYPE_DEFINITION]: 'enum',
  [Kind.SCALAR_TYPE_DEFINITION]: 'scalar',
};

export const graphTypes = readSupergraph(supergraph);

export const userErrorCodes = (graphTypes.find(({ name }) => name === 'UserErrorCode')?.fields ?? []).map(
  ({ name, description }) => ({ code: name, means: description }),
);

export function readSupergraph(source: string): GraphType[] {
  const definitions = parse(source).definitions;
  const names = subgraphNames(definitions);
  return definitions.map((definition) => readType(definition, names)).filter((type) => type !== undefined);
}

/** Maps the enum values of `join__Graph`, such as `IDENTITY`, to subgraph names. */
function subgraphNames(definitions: readonly DefinitionNode[]): Map<string, string> {
  const graphs = definitions.find(
    (definition) => definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph',
  );
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return new Map();
  return new Map(
    (graphs.values ?? []).map(({ name, directives }) => [
      name.value,
      argument(directives?.[0], 'name') ?? name.value,
    ]),
  );
}

function readType(definition: DefinitionNode, names: Map<string, string>): GraphType | undefined {
  if (!('name' in definition) || definition.name === undefined) return undefined;
  const kind = KINDS[definition.kind];
  const name = definition.name.value;
  if (!kind || name.includes('__')) return undefined;

  const joins = (definition.directives ?? []).filter((directive) => directive.name.value === 'join__type');
  const subgraphs = joins.map((join) => subgraphOf(join, names)).filter((graph) => graph !== undefined);
  const fields = readFields(definition, subgraphs, names);
  return {
    name,
    kind,
    description: 'description' in definition ? unwrapLines(definition.description) : '',
    fields,
    subgraphs,
    key: joins.map((join) => argument(join, 'key')).find((key) => key !== undefined) ?? '',
    owner: ROOTS.includes(name) ? undefined : ownerOf(fields, subgraphs),
  };
}

function readFields(definition: DefinitionNode, all: string[], names: Map<string, string>): GraphField[] {
  if (definition.kind === Kind.ENUM_TYPE_DEFINITION) {
    return (definition.values ?? []).map(({ name, description }) => ({
      name: name.value,
      type: '',
      namedType: '',
      description: unwrapLines(description),
      args: [],
      subgraphs: all,
    }));
  }
  if (definition.kind === Kind.UNION_TYPE_DEFINITION) {
    return (definition.types ?? []).map(({ name: { value: name } }) => ({
      name,
      type: name,
      namedType: name,
      description: '',
      args: [],
      subgraphs: all,
    }));
  }
  if (
    definition.kind !== Kind.OBJECT_TYPE_DEFINITION &&
    definition.kind !== Kind.INPUT_OBJECT_TYPE_DEFINITION
  ) {
    return [];
  }
  const isPublic = (field: FieldDefinitionNode | InputValueDefinitionNode) =>
    !field.directives?.some((directive) => directive.name.value === 'inaccessible');
  return (definition.fields ?? []).filter(isPublic).map((field) => readField(field, all, names));
}

function readField(
  field: FieldDefinitionNode | InputValueDefinitionNode,
  all: string[],
  names: Map<string, string>,
): GraphField {
  const joins = (field.directives ?? []).filter((directive) => directive.name.value === 'join__field');
  const resolving = joins.filter((join) => argument(join, 'external') !== 'true');
  const subgraphs = resolving.map((join) => subgraphOf(join, names)).filter((graph) => graph !== undefined);
  return {
    name: field.name.value,
    type: print(field.type),
    namedType: namedType(field.type),
    description: unwrapLines(field.description),
    args: ('arguments' in field ? (field.arguments ?? []) : []).map((arg) => ({
      name: arg.name.value,
      type: print(arg.type),
      description: unwrapLines(arg.description),
    })),
    subgraphs: subgraphs.length > 0 ? subgraphs : all,
  };
}

/** Joins the lines of each paragraph of a description; an empty line ends a paragraph. */
function unwrapLines(description: StringValueNode | undefined): string {
  const paragraphs = (description?.value ?? '').split(/\n\s*\n/);
  return paragraphs.map((paragraph) => paragraph.trim().replaceAll(/\s*\n\s*/g, ' ')).join('\n\n');
}

/** The subgraph that is the only one to resolve most of the fields. */
function ownerOf(fields: GraphField[], subgraphs: string[]): string | undefined {
  if (subgraphs.length === 1) return subgraphs[0];
  const owned = (graph: string) =>
    fields.filter((field) => field.subgraphs.length === 1 && field.subgraphs[0] === graph).length;
  const [most] = [...subgraphs].sort((one, other) => owned(other) - owned(one));
  return most !== undefined && owned(most) > 0 ? most : undefined;
}

function subgraphOf(directive: DirectiveNode, names: Map<string, string>): string | undefined {
  const graph = argument(directive, 'graph');
  return graph && names.get(graph);
}

function argument(directive: DirectiveNode | undefined, name: string): string | undefined {
  const value = directive?.arguments?.find((candidate) => candidate.name.value === name)?.value;
  if (value?.kind === Kind.BOOLEAN) return String(value.value);
  return value && 'value' in value ? String(value.value) : undefined;
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}
