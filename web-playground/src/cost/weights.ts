import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  parse,
  type TypeNode,
} from 'graphql';

/** What `@cost` and `@listSize` say about a type of the supergraph; weights are microseconds. */
export interface TypeWeights {
  kind: 'object' | 'union' | 'input' | 'other';
  /** Of each object. */
  weight: number;
  fields: Map<string, FieldWeights>;
  /** Of a union. */
  members: string[];
}

export interface FieldWeights {
  weight: number;
  /** The named type. */
  type: string;
  isList: boolean;
  listSize: ListSize | undefined;
  args: Map<string, InputWeight>;
}

export interface ListSize {
  assumedSize: number | undefined;
  /** The arguments that say how long it is. */
  slicingArguments: string[];
  /** The fields that are as long as that. */
  sizedFields: string[];
}

interface InputWeight {
  weight: number;
  type: string;
}

export type Weights = ReadonlyMap<string, TypeWeights>;

export function readWeights(supergraph: string): Weights {
  return new Map(parse(supergraph).definitions.flatMap(readType));
}

function readType(definition: DefinitionNode): [string, TypeWeights][] {
  switch (definition.kind) {
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_DEFINITION: {
      const kinds = {
        [Kind.OBJECT_TYPE_DEFINITION]: 'object',
        [Kind.INPUT_OBJECT_TYPE_DEFINITION]: 'input',
        [Kind.INTERFACE_TYPE_DEFINITION]: 'other',
      } as const;
      const fields = (definition.fields ?? []).map((field) => [field.name.value, readField(field)] as const);
      const weight = weightOf(definition.directives);
      return [
        [
          definition.name.value,
          { kind: kinds[definition.kind], weight, fields: new Map(fields), members: [] },
        ],
      ];
    }
    case Kind.UNION_TYPE_DEFINITION: {
      const members = (definition.types ?? []).map(({ name }) => name.value);
      return [[definition.name.value, { kind: 'union', weight: 0, fields: new Map(), members }]];
    }
    default:
      return [];
  }
}

function readField(field: FieldDefinitionNode | InputValueDefinitionNode): FieldWeights {
  const args = 'arguments' in field ? (field.arguments ?? []) : [];
  return {
    weight: weightOf(field.directives),
    type: namedType(field.type),
    isList: isList(field.type),
    listSize: readListSize(field.directives),
    args: new Map(
      args.map((arg) => [arg.name.value, { weight: weightOf(arg.directives), type: namedType(arg.type) }]),
    ),
  };
}

function weightOf(directives: readonly ConstDirectiveNode[] = []): number {
  return numberOf(argument(directives, 'cost', 'weight')) ?? 0;
}

function readListSize(directives: readonly ConstDirectiveNode[] = []): ListSize | undefined {
  if (!directives.some(({ name }) => name.value === 'listSize')) return undefined;
  return {
    assumedSize: numberOf(argument(directives, 'listSize', 'assumedSize')),
    slicingArguments: stringsOf(argument(directives, 'listSize', 'slicingArguments')),
    sizedFields: stringsOf(argument(directives, 'listSize', 'sizedFields')),
  };
}

function argument(
  directives: readonly ConstDirectiveNode[],
  directive: string,
  name: string,
): ConstValueNode | undefined {
  const found = directives.find((one) => one.name.value === directive);
  return found?.arguments?.find((one) => one.name.value === name)?.value;
}

function numberOf(value: ConstValueNode | undefined): number | undefined {
  return value?.kind === Kind.INT ? Number(value.value) : undefined;
}

function stringsOf(value: ConstValueNode | undefined): string[] {
  if (value?.kind !== Kind.LIST) return [];
  return value.values.flatMap((one) => (one.kind === Kind.STRING ? [one.value] : []));
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}

function isList(type: TypeNode): boolean {
  if (type.kind === Kind.NON_NULL_TYPE) return isList(type.type);
  return type.kind === Kind.LIST_TYPE;
}
