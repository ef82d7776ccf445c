import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql';
import type { GraphQLRequest } from '../network/send';
import type { FieldWeights, ListSize, TypeWeights, Weights } from './weights';

/** A part of an operation's cost, in microseconds. */
export interface CostPart<Owner> {
  /** Undefined for the cost that every request has. */
  owner: Owner | undefined;
  /** The field, input field or type that has the weight, such as `User.enrollments`. */
  label: string;
  micros: number;
}

export interface CostParts<Owner> {
  estimated: CostPart<Owner>[];
  actual: CostPart<Owner>[];
}

/** To whom the cost of a field belongs: by the names of the response that lead to it, and the type of its objects. */
export type FindOwner<Owner> = (
  path: string[],
  type: string | undefined,
  parent: Owner | undefined,
) => Owner | undefined;

/** As the router has them. */
const DEFAULT_LIST_SIZE = 10;
const MAX_PAGE_SIZE = 100;
const MAX_INPUT_DEPTH = 4;
const INTROSPECTION_WEIGHT = 1;

/**
 * Splits the cost of an operation, before and after its execution, by the rules of `docs/cost.md`: the router itself
 * returns only the sums. Undefined when the document is invalid.
 */
export function splitCost<Owner>(
  { query, operationName, variables = {} }: GraphQLRequest,
  data: unknown,
  weights: Weights,
  findOwner: FindOwner<Owner>,
): CostParts<Owner> | undefined {
  const document = tryParse(query);
  const operation = document && getOperationAST(document, operationName);
  if (!document || !operation) return undefined;
  const root = new Compiler(document, operation, variables, weights, findOwner).root();
  const estimated = estimate(root, 1, 1);
  return {
    estimated: merged(estimated),
    actual: merged(data === null || data === undefined ? estimated : actual(root, [data])),
  };
}

type Parts<Owner> = CostPart<Owner>[];

interface CostNode<Owner> {
  key: string;
  /** Once, however many parents there are. */
  own: Parts<Owner>;
  /** How many objects a parent has; of a page, as many as its connection says. */
  size: number | 'page';
  /** How many objects each page of a connection has. */
  page: number;
  /** What an object can be: one type, or a member of a union. */
  members: Member<Owner>[];
}

interface Member<Owner> {
  type: string;
  object: Parts<Owner>;
  selections: CostNode<Owner>[];
}

/** The maximum cost of a selection. */
interface Bound<Owner> {
  fixed: Parts<Owner>;
  perParent: Parts<Owner>;
}

function estimate<Owner>(node: CostNode<Owner>, parents: number, page: number): Parts<Owner> {
  const { fixed, perParent } = bound(node, parents, page);
  return [...fixed, ...scaled(perParent, parents)];
}

function bound<Owner>(node: CostNode<Owner>, parents: number, page: number): Bound<Owner> {
  if (parents === 0) return { fixed: [], perParent: [] };
  const size = node.size === 'page' ? page : node.size;
  const objects = parents * size;
  const inner = costliest(
    node.members.map((member) => memberBound(member, objects, node.page)),
    objects,
  );
  return { fixed: [...node.own, ...inner.fixed], perParent: scaled(inner.perParent, size) };
}

function memberBound<Owner>(member: Member<Owner>, objects: number, page: number): Bound<Owner> {
  const inner = member.selections.map((selection) => bound(selection, objects, page));
  return {
    fixed: inner.flatMap(({ fixed }) => fixed),
    perParent: [...member.object, ...inner.flatMap(({ perParent }) => perParent)],
  };
}

/** Each object counts as the costliest member, and once for each member what its own objects cost beyond that. */
function costliest<Owner>(members: Bound<Owner>[], objects: number): Bound<Owner> {
  const [most] = members.toSorted((one, other) => sum(other.perParent) - sum(one.perParent));
  const perParent = most?.perParent ?? [];
  const beyond = members
    .map(({ fixed, perParent: own }) => {
      const micros = Math.max(0, sum(fixed) - (sum(perParent) - sum(own)));
      return scaled(fixed, sum(fixed) > 0 ? micros / sum(fixed) : 0);
    })
    .toSorted((one, other) => sum(other) - sum(one));
  return { fixed: beyond.slice(0, objects).flat(), perParent };
}

function actual<Owner>(node: CostNode<Owner>, found: unknown[]): Parts<Owner> {
  if (found.length === 0) return [];
  const objects = found.flatMap(flatten);
  const inner = node.members.flatMap((member, index) =>
    memberActual(
      member,
      objects.filter((object) => memberOf(node, object) === index),
      node.page,
    ),
  );
  return [...node.own, ...inner];
}

function memberActual<Owner>(member: Member<Owner>, objects: unknown[], page: number): Parts<Owner> {
  const inner = member.selections.flatMap((selection) => {
    const values = objects
      .map((object) => property(object, selection.key))
      .filter((one) => one !== undefined);
    // What is missing failed to be fetched, which costs the same.
    return [...actual(selection, values), ...estimate(selection, objects.length - values.length, page)];
  });
  return [...scaled(member.object, objects.length), ...inner];
}

/** By `__typename`, or else by what an object has of the members' selections. */
function memberOf<Owner>({ members }: CostNode<Owner>, object: unknown): number {
  if (members.length === 1) return 0;
  const named = members.findIndex(({ type }) => type === property(object, '__typename'));
  if (named >= 0) return named;
  const has = ({ selections }: Member<Owner>) =>
    selections.filter(({ key }) => property(object, key) !== undefined).length;
  const most = Math.max(...members.map(has));
  return members.findLastIndex((member) => has(member) === most);
}

function flatten(value: unknown): unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value.flatMap(flatten) : [value];
}

function property(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[key] : undefined;
}

function sum<Owner>(parts: Parts<Owner>): number {
  return parts.reduce((total, { micros }) => total + micros, 0);
}

function scaled<Owner>(parts: Parts<Owner>, factor: number): Parts<Owner> {
  if (factor === 0) return [];
  return factor === 1 ? parts : parts.map((part) => ({ ...part, micros: part.micros * factor }));
}

/** One part for each owner and label. */
function merged<Owner>(parts: Parts<Owner>): Parts<Owner> {
  const found = new Map<Owner | undefined, Map<string, CostPart<Owner>>>();
  for (const part of parts) {
    const own = found.get(part.owner) ?? new Map<string, CostPart<Owner>>();
    found.set(part.owner, own);
    const earlier = own.get(part.label);
    own.set(part.label, { ...part, micros: part.micros + (earlier?.micros ?? 0) });
  }
  return [...found.values()].flatMap((own) => [...own.values()]).filter(({ micros }) => micros > 0);
}

interface Selected {
  /** The type whose field it is. */
  parent: string;
  key: string;
  fields: FieldNode[];
}

class Compiler<Owner> {
  private readonly fragments: Map<string, FragmentDefinitionNode>;
  private readonly variables: Record<string, unknown>;

  constructor(
    document: DocumentNode,
    private readonly operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
    private readonly weights: Weights,
    private readonly findOwner: FindOwner<Owner>,
  ) {
    this.fragments = new Map(
      document.definitions.flatMap((one) =>
        one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
      ),
    );
    const defaults = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)] as const] : [],
    );
    this.variables = { ...Object.fromEntries(defaults), ...variables };
  }

  root(): CostNode<Owner> {
    const { operation, selectionSet } = this.operation;
    const type = operation.charAt(0).toUpperCase() + operation.slice(1);
    const members = this.members(type, [selectionSet], [], [], undefined);
    return { key: '', own: [], size: 1, page: 1, members };
  }

  private members(
    type: string,
    sets: SelectionSetNode[],
    sized: string[],
    path: string[],
    owner: Owner | undefined,
  ): Member<Owner>[] {
    const known = this.weights.get(type);
    return (known?.kind === 'union' ? known.members : [type]).map((name) => ({
      type: name,
      object: this.part(owner, name, this.objectWeight(name)),
      selections: this.selectedOf(name, type, sets)
        .map((selected) => this.field(selected, sized, path, owner))
        .filter(hasWeight),
    }));
  }

  private objectWeight(name: string): number {
    const known = this.weights.get(name);
    if (!known) return name.startsWith('__') ? INTROSPECTION_WEIGHT : 0;
    return known.kind === 'object' ? known.weight : 0;
  }

  /** The fields of a member by response key, without those of other members. */
  private selectedOf(member: string, type: string, sets: SelectionSetNode[]): Selected[] {
    const found = new Map<string, Selected>();
    const isObject = (name: string) => this.weights.get(name)?.kind === 'object';
    const merge = (set: SelectionSetNode, parent: string) => {
      if (parent !== member && isObject(parent) && isObject(member)) return;
      for (const selection of set.selections) {
        if (selection.kind === Kind.FIELD) {
          const key = (selection.alias ?? selection.name).value;
          const one = found.get(`${parent} ${key}`) ?? { parent, key, fields: [] };
          found.set(`${parent} ${key}`, { ...one, fields: [...one.fields, selection] });
          continue;
        }
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments.get(selection.name.value);
        if (fragment) merge(fragment.selectionSet, fragment.typeCondition?.name.value ?? parent);
      }
    };
    for (const set of sets) merge(set, type);
    return [...found.values()];
  }

  private field(
    { parent, key, fields: [field, ...others] }: Selected,
    sized: string[],
    before: string[],
    parentOwner: Owner | undefined,
  ): CostNode<Owner> {
    const path = [...before, key];
    if (!field) return { key, own: [], size: 1, page: 1, members: [] };
    const known = this.fieldWeights(parent, field.name.value);
    const sets = [field, ...others].flatMap(({ selectionSet }) => selectionSet ?? []);
    const owner = this.findOwner(path, sets.length > 0 ? known?.type : undefined, parentOwner);
    return {
      key,
      own: [
        ...this.part(owner, `${parent}.${field.name.value}`, known?.weight ?? 0),
        ...this.inputs(field, parent, known, owner),
      ],
      size: sizeOf(known, sized, field.name.value),
      page: known?.listSize ? this.pageSize(field, known.listSize) : 1,
      members:
        sets.length > 0
          ? this.members(known?.type ?? '', sets, known?.listSize?.sizedFields ?? [], path, owner)
          : [],
    };
  }

  private fieldWeights(parent: string, name: string): FieldWeights | undefined {
    const known = this.weights.get(parent)?.fields.get(name);
    if (known) return known;
    const introspected = INTROSPECTION[`${parent}.${name}`] ?? INTROSPECTION[name];
    return introspected && { weight: 0, args: new Map(), listSize: undefined, ...introspected };
  }

  private pageSize(field: FieldNode, { slicingArguments, assumedSize }: ListSize): number {
    const requested = slicingArguments.map((name) => this.argument(field, name)).filter(isNumber);
    const size = requested.length > 0 ? Math.max(...requested, 0) : (assumedSize ?? DEFAULT_LIST_SIZE);
    return Math.min(size, MAX_PAGE_SIZE);
  }

  private inputs(
    field: FieldNode,
    parent: string,
    known: FieldWeights | undefined,
    owner: Owner | undefined,
  ): Parts<Owner> {
    return (field.arguments ?? []).flatMap(({ name: { value: name } }) => {
      const definition = known?.args.get(name);
      const value = this.argument(field, name);
      if (!definition || value === undefined || value === null) return [];
      const label = `${parent}.${field.name.value}(${name})`;
      return [
        ...this.part(owner, label, definition.weight),
        ...this.input(value, definition.type, MAX_INPUT_DEPTH, owner),
      ];
    });
  }

  private input(value: unknown, type: string, depth: number, owner: Owner | undefined): Parts<Owner> {
    const known: TypeWeights | undefined = this.weights.get(type);
    if (known?.kind !== 'input' || depth === 0) return [];
    if (Array.isArray(value)) return value.flatMap((item) => this.input(item, type, depth, owner));
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, inner]) => {
      const field = known.fields.get(name);
      if (!field || inner === null || inner === undefined) return [];
      return [
        ...this.part(owner, `${type}.${name}`, field.weight),
        ...this.input(inner, field.type, depth - 1, owner),
      ];
    });
  }

  /** The value that is sent for an argument. */
  private argument(field: FieldNode, name: string): unknown {
    const given = field.arguments?.find((one) => one.name.value === name);
    return given && valueFromASTUntyped(given.value, this.variables);
  }

  private part(owner: Owner | undefined, label: string, micros: number): Parts<Owner> {
    return micros > 0 ? [{ owner, label, micros }] : [];
  }
}

function hasWeight<Owner>({ own, members }: CostNode<Owner>): boolean {
  return own.length > 0 || members.some(({ object, selections }) => object.length + selections.length > 0);
}

function sizeOf(known: FieldWeights | undefined, sized: string[], name: string): number | 'page' {
  if (!known?.isList) return 1;
  return sized.includes(name) ? 'page' : (known.listSize?.assumedSize ?? DEFAULT_LIST_SIZE);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** The types of introspection, which are in no schema: by type and field, or by a field that means the same anywhere. */
const INTROSPECTION: Record<string, { type: string; isList: boolean }> = {
  __schema: { type: '__Schema', isList: false },
  __type: { type: '__Type', isList: false },
  '__Schema.types': { type: '__Type', isList: true },
  '__Schema.queryType': { type: '__Type', isList: false },
  '__Schema.mutationType': { type: '__Type', isList: false },
  '__Schema.subscriptionType': { type: '__Type', isList: false },
  '__Schema.directives': { type: '__Directive', isList: true },
  '__Type.fields': { type: '__Field', isList: true },
  '__Type.interfaces': { type: '__Type', isList: true },
  '__Type.possibleTypes': { type: '__Type', isList: true },
  '__Type.enumValues': { type: '__EnumValue', isList: true },
  '__Type.inputFields': { type: '__InputValue', isList: true },
  '__Type.ofType': { type: '__Type', isList: false },
  '__Field.args': { type: '__InputValue', isList: true },
  '__Field.type': { type: '__Type', isList: false },
  '__InputValue.type': { type: '__Type', isList: false },
  '__Directive.args': { type: '__InputValue', isList: true },
};

function tryParse(query: string): DocumentNode | undefined {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}
