// Generates random operations from the schema. They are valid, but need not succeed.

import {
  type ArgumentNode,
  type DirectiveNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  Kind as NodeKind,
  OperationTypeNode,
  parse,
  print,
  type SelectionNode,
  TypeNameMetaFieldDef,
} from "graphql";
import { KEY_LIKE_ALIASES, type OperationKind, RESERVED_NAMES } from "../kinds.ts";
import { mutations } from "../mutations.ts";
import type { Operation } from "../operation.ts";
import type { Viewer } from "../permissions.ts";
import type { Random } from "../random.ts";
import { ArgumentGenerator } from "./arguments.ts";
import {
  argument,
  booleanValue,
  directive,
  field,
  intValue,
  namedType,
  nameNode,
  set,
} from "./nodes.ts";
import type { ValuePools } from "./pools.ts";
import { VariableGenerator } from "./variables.ts";

// Slightly below the router's limits.
const MAX_DEPTH = 12;
const MAX_ALIASES = 25;
const MAX_DIRECTIVES = 40;
/** Not used for any other field. */
const PROBE_ALIAS = "a9";
const PROBE_PAGE_SIZE = 40;
/** The minimum number of fields for each mutation. */
const MIN_FIELDS = 12;
/** The default limit for nested lists. */
const MAX_OBJECTS = 60;

/** Mutations that change something are most useful. */
const MUTATION_WEIGHTS: Record<string, number> = {
  markNotificationRead: 6,
  markAllNotificationsRead: 3,
  deleteNotification: 4,
  updateCourse: 6,
  createCourse: 5,
  setEnrollmentStatus: 6,
  verifyTeacher: 2,
  // Slow, because they hash passwords.
  login: 0.8,
  register: 0.8,
};
const DENIED_MUTATION_FACTOR = 0.4;

/** Other operations in the document, which are not executed. */
const OTHER_OPERATIONS = [
  "mutation Other { markAllNotificationsRead { count } }",
  "query Other($id: ID! = 1, $first: Int!) { user(id: $id) { name } courses(first: $first) { totalCount } }",
  "subscription Other { notificationAdded { id } }",
];

/** Introspection fields, which the router resolves itself. */
const INTROSPECTION = [
  "__schema { queryType { name } mutationType { kind name } }",
  '__type(name: "User") { kind name }',
  '__type(name: "Nobody") { name }',
];

/** The response keys that a selection set, including its fragments, uses. */
interface SelectionScope {
  type: GraphQLObjectType;
  usedKeys: Map<string, UsedKey>;
}

interface UsedKey {
  field: GraphQLField<unknown, unknown>;
  args: ArgumentNode[];
  /** The maximum number of objects. */
  objects: number;
  inner: SelectionScope | AbstractScope | undefined;
}

/** The selections of the members of a union or an interface, which share their response keys. */
interface AbstractScope {
  abstract: GraphQLAbstractType;
  usedKeys: Map<string, UsedKey>;
}

interface SelectionPosition {
  depth: number;
  objects: number;
  /** The types of the parent fields. */
  typePath: readonly string[];
}

const ROOT: SelectionPosition = { depth: 1, objects: 1, typePath: [] };

export interface GeneratorOptions {
  schema: GraphQLSchema;
  pools: ValuePools;
  random: Random;
  viewer: Viewer;
  kinds: ReadonlySet<OperationKind>;
  operation: OperationTypeNode;
  /** Whether the viewer may run the mutation. */
  isAllowed: (mutation: string) => boolean;
  /** The maximum number of objects of nested lists. */
  maxObjects?: number;
  /** A field of a mutation's payload, or of an object in it, that is to be selected where it fits. */
  wanted?: Wanted | undefined;
}

/** By the names of the type and the field. */
export interface Wanted {
  type: string;
  field: string;
}

export function generateOperation(options: GeneratorOptions): Operation {
  return new OperationGenerator(options).make();
}

class OperationGenerator {
  readonly #options: GeneratorOptions;
  readonly #random: Random;
  readonly #variables: VariableGenerator;
  readonly #arguments: ArgumentGenerator;
  readonly #fragments: { definition: FragmentDefinitionNode; type: GraphQLObjectType }[] = [];
  #fieldsLeft: number;
  #aliases = 0;
  #directives = 0;
  #isWantedSelected = false;

  constructor(options: GeneratorOptions) {
    const { random, pools, viewer, operation } = options;
    const changes = operation === OperationTypeNode.MUTATION;
    this.#options = options;
    this.#random = random;
    this.#variables = new VariableGenerator(random);
    this.#arguments = new ArgumentGenerator(random, pools, viewer, this.#variables, changes);
    this.#fieldsLeft = random.pick([8, 15, 25, 40]);
  }

  make(): Operation {
    const { schema, operation, viewer } = this.#options;
    const type = schema.getRootType(operation);
    if (!type) throw new Error(`the schema has no ${operation}`);
    const scope = { type, usedKeys: new Map() };
    const isMutation = operation === OperationTypeNode.MUTATION;
    const selections = isMutation ? this.#mutationFields(scope) : this.#selections(scope, ROOT);
    const { definitions, values } = this.#variables;
    const others = this.#random.chance(0.06)
      ? parse(this.#random.pick(OTHER_OPERATIONS)).definitions
      : [];
    const isNamed = definitions.length > 0 || others.length > 0 || this.#random.chance(0.5);
    const definition = {
      kind: NodeKind.OPERATION_DEFINITION as const,
      operation,
      name: isNamed ? nameNode("Truth") : undefined,
      variableDefinitions: definitions,
      directives: [],
      selectionSet: set(selections),
    };
    const fragments = this.#fragments.map((fragment) => fragment.definition);
    const all = [definition, ...fragments];
    const document = this.#random.chance(0.5) ? [...others, ...all] : [...all, ...others];
    const sendsName = others.length > 0 || (isNamed && this.#random.chance(0.3));
    return {
      document: { kind: NodeKind.DOCUMENT, definitions: document },
      // Undefined variables must be ignored.
      variables: this.#random.chance(0.03) ? { ...values, nobodys: [{ id: 1 }] } : values,
      operationName: sendsName ? "Truth" : undefined,
      viewer,
    };
  }

  #mutationFields(scope: SelectionScope): SelectionNode[] {
    const fields = Object.values(scope.type.getFields()).filter(({ name }) => mutations[name]);
    const weightOf = (name: string) =>
      (MUTATION_WEIGHTS[name] ?? 1) * (this.#options.isAllowed(name) ? 1 : DENIED_MUTATION_FACTOR);
    const weights = Object.fromEntries(fields.map(({ name }) => [name, weightOf(name)]));
    const count = this.#random.pick([1, 2, 2, 3, 3, 4]);
    const wanted = fields
      .filter(({ type }) => this.#wantedOf(getNamedType(type)))
      .map(({ name }) => name);
    const chosen = wanted.length > 0 ? [this.#random.pick(wanted)] : [];
    // A repeated mutation changes the same object, or another one.
    while (chosen.length < count)
      chosen.push(
        this.#random.chance(0.4) && chosen[0] ? chosen[0] : this.#random.weighted(weights),
      );
    const found = chosen.flatMap((name) => fields.find((one) => one.name === name) ?? []);
    return found.flatMap((one, index) => {
      this.#fieldsLeft = Math.max(this.#fieldsLeft, MIN_FIELDS);
      const next = found[index + 1];
      const probe = next && this.#random.chance(0.75) ? probeSelection(next, one) : [];
      return this.#field(scope, one, ROOT).map((node) => addSelections(node, probe));
    });
  }

  #selections(scope: SelectionScope, position: SelectionPosition): SelectionNode[] {
    const count = this.#random.pick(position.depth === 1 ? [1, 1, 2, 3] : [1, 2, 2, 3, 4, 5]);
    const selections: SelectionNode[] = [];
    for (let tries = 0; selections.length < count && tries < 3 * count; tries += 1)
      selections.push(...this.#selection(scope, position));
    if (selections.length === 0)
      selections.push(...this.#field(scope, TypeNameMetaFieldDef, position));
    if (selections.length === 0) selections.push(...this.#repeatField(scope, position));
    if (scope.type === this.#options.schema.getQueryType() && this.#random.chance(0.05))
      selections.push(this.#introspection());
    return this.#has("conditions") && this.#random.chance(0.04)
      ? this.#excludeAll(selections)
      : selections;
  }

  #selection(scope: SelectionScope, position: SelectionPosition): SelectionNode[] {
    const kind = this.#random.weighted({
      field: 70,
      typename: 6,
      inline: this.#fieldsLeft > 0 ? 10 : 0,
      spread: this.#fragments.length > 0 ? 5 : 0,
      again: ownKeys(scope).length > 0 ? 6 : 0,
    });
    switch (kind) {
      case "typename":
        return this.#field(scope, TypeNameMetaFieldDef, position);
      case "inline":
        return [this.#fragment(scope, position)];
      case "spread":
        return this.#repeatFragment(scope);
      case "again":
        return this.#repeatField(scope, position);
      default:
        return this.#field(scope, this.#choose(scope.type, position), position);
    }
  }

  /** The field of a type that is wanted, or that leads to it. */
  #wantedOf(type: GraphQLNamedType): GraphQLField<unknown, unknown> | undefined {
    const { wanted } = this.#options;
    if (!wanted || !isObjectType(type)) return undefined;
    const fields = Object.values(type.getFields());
    return type.name === wanted.type
      ? fields.find(({ name }) => name === wanted.field)
      : fields.find((one) => getNamedType(one.type).name === wanted.type);
  }

  #choose(type: GraphQLObjectType, position: SelectionPosition): GraphQLField<unknown, unknown> {
    const wanted = this.#isWantedSelected ? undefined : this.#wantedOf(type);
    if (wanted && this.#random.chance(0.9)) {
      this.#isWantedSelected = type.name === this.#options.wanted?.type;
      return wanted;
    }
    const { depth, objects, typePath } = position;
    const fields = Object.values(type.getFields());
    const leaves = fields.filter((one) => isLeafType(getNamedType(one.type)));
    const inner = fields.filter((one) => !leaves.includes(one));
    const canGoDeeper =
      depth < MAX_DEPTH &&
      this.#fieldsLeft > 0 &&
      objects <= (this.#options.maxObjects ?? MAX_OBJECTS);
    const wantsDeeper = this.#random.chance(leaves.length > 0 ? 0.55 : 0.9);
    const goesDeeper = canGoDeeper && inner.length > 0 && wantsDeeper;
    if (goesDeeper || type === this.#options.schema.getQueryType()) {
      // Most payloads have no errors, so select the changed object.
      const changed = depth === 2 ? inner.filter((one) => hasId(one)) : [];
      if (changed.length > 0 && this.#random.chance(0.6)) return this.#random.pick(changed);
      // A field that leads back to an earlier type can return the same object in another state.
      const back = inner.filter((one) => typePath.includes(entityName(one)));
      if (back.length > 0 && this.#random.chance(0.4)) return this.#random.pick(back);
      // A reference to one object can lead to another subgraph, or be dangling.
      const edges = inner.filter(({ args }) => args.length === 0);
      const isEdge = edges.length > 0 && this.#random.chance(0.4);
      return this.#random.pick(isEdge ? edges : inner);
    }
    return leaves.length > 0 ? this.#random.pick(leaves) : TypeNameMetaFieldDef;
  }

  #field(
    scope: SelectionScope,
    found: GraphQLField<unknown, unknown>,
    position: SelectionPosition,
  ): SelectionNode[] {
    const { args, size } = this.#arguments.of(found, position.objects);
    const key = this.#key(scope, found, args);
    if (key === undefined) return [];
    const type = getNamedType(found.type);
    const inner = innerScope(type);
    const objects = position.objects * size;
    const taken = scope.usedKeys.get(key) ?? { field: found, args, objects, inner };
    scope.usedKeys.set(key, taken);
    return [this.#fieldNode(key, taken, position)];
  }

  /** Repeats a field of the selection set, which must be merged. */
  #repeatField(scope: SelectionScope, position: SelectionPosition): SelectionNode[] {
    const all = ownKeys(scope);
    const objects = all.filter(([, { inner }]) => inner);
    // Merging is difficult for fields with selections.
    const isPlain = objects.length === 0 || this.#random.chance(0.3);
    const [key, taken] = this.#random.pick(isPlain ? all : objects);
    return [this.#fieldNode(key, taken, position)];
  }

  #fieldNode(key: string, taken: UsedKey, { depth, typePath }: SelectionPosition): SelectionNode {
    const { field: found, args, objects, inner } = taken;
    this.#fieldsLeft -= 1;
    const isOwnName = key === found.name && !this.#random.chance(0.01);
    if (!isOwnName) this.#aliases += 1;
    const directives = this.#conditions(0.12);
    const childPosition = { depth: depth + 1, objects, typePath: [...typePath, entityName(found)] };
    const selections = inner && this.#innerSelections(inner, childPosition);
    return field(found.name, isOwnName ? undefined : key, args, directives, selections);
  }

  #innerSelections(inner: SelectionScope | AbstractScope, position: SelectionPosition) {
    return "abstract" in inner ? this.#members(inner, position) : this.#selections(inner, position);
  }

  /** Selects fields of some members of a union or an interface, and of an interface its own. */
  #members({ abstract, usedKeys }: AbstractScope, position: SelectionPosition): SelectionNode[] {
    const possible = this.#options.schema.getPossibleTypes(abstract);
    const own = isInterfaceType(abstract) && this.#random.chance(0.4) ? possible[0] : undefined;
    const id = own?.getFields().id;
    const shared = own && id ? this.#field({ type: own, usedKeys }, id, position) : [];
    const members = possible.filter(() => this.#random.chance(0.7));
    const fragments = members.map((type) => ({
      kind: NodeKind.INLINE_FRAGMENT as const,
      typeCondition: namedType(type.name),
      directives: this.#conditions(0.1),
      selectionSet: set(this.#selections({ type, usedKeys }, position)),
    }));
    const hasTypename =
      fragments.length + shared.length === 0 || this.#random.chance(own ? 0.3 : 0.5);
    const selections = this.#random.chance(0.5)
      ? [...shared, ...fragments]
      : [...fragments, ...shared];
    return hasTypename
      ? [field("__typename", undefined, [], [], undefined), ...selections]
      : selections;
  }

  /** The response key: the name of the field, or an alias that no other field uses. */
  #key(
    scope: SelectionScope,
    found: GraphQLField<unknown, unknown>,
    args: ArgumentNode[],
  ): string | undefined {
    const fits = (key: string) => {
      const taken = scope.usedKeys.get(key);
      if (!taken) return true;
      const isSameType = `${taken.field.type}` === `${found.type}`;
      return isSameType && signature(taken) === signature({ field: found, args });
    };
    const candidates = [found.name];
    if (this.#aliases < MAX_ALIASES) {
      candidates.push(this.#plainAlias());
      if (this.#random.chance(0.25))
        candidates.unshift(
          this.#has("key-aliases") && this.#random.chance(0.5)
            ? this.#keyAlias(scope.type)
            : this.#plainAlias(),
        );
    }
    return candidates.find(fits);
  }

  #keyAlias(type: GraphQLObjectType): string {
    const names = this.#random.chance(0.6) ? KEY_LIKE_ALIASES : Object.keys(type.getFields());
    return this.#random.pick(names);
  }

  #plainAlias(): string {
    return `${this.#random.pick(["a", "b", "c", "d", "e"])}${this.#random.below(9)}`;
  }

  /** Has a unique alias, so that it need not be merged. */
  #introspection(): SelectionNode {
    const [definition] = parse(`{ ${this.#random.pick(INTROSPECTION)} }`, {
      noLocation: true,
    }).definitions;
    const node =
      definition?.kind === NodeKind.OPERATION_DEFINITION && definition.selectionSet.selections[0];
    if (!node || node.kind !== NodeKind.FIELD) throw new Error("introspection is a field");
    this.#aliases += 1;
    return { ...node, alias: nameNode(`s${this.#aliases}`), directives: this.#conditions(0.2) };
  }

  #fragment(scope: SelectionScope, position: SelectionPosition): SelectionNode {
    const selectionSet = set(this.#selections(scope, position));
    const directives = this.#conditions(0.25);
    if (this.#random.chance(0.65)) {
      const typeCondition = this.#random.chance(0.6) ? namedType(scope.type.name) : undefined;
      return { kind: NodeKind.INLINE_FRAGMENT, typeCondition, directives, selectionSet };
    }
    const name = nameNode(this.#fragmentName());
    const definition: FragmentDefinitionNode = {
      kind: NodeKind.FRAGMENT_DEFINITION,
      name,
      typeCondition: namedType(scope.type.name),
      directives: [],
      selectionSet,
    };
    this.#fragments.push({ definition, type: scope.type });
    return { kind: NodeKind.FRAGMENT_SPREAD, name, directives };
  }

  /** A new name. */
  #fragmentName(): string {
    const known = this.#fragments.map(({ definition }) => definition.name.value);
    const taken = RESERVED_NAMES.filter((name) => !known.includes(name));
    const isTaken = taken.length > 0 && this.#random.chance(0.1);
    return isTaken ? this.#random.pick(taken) : `F${known.length}`;
  }

  /** Spreads a fragment again. Validation rejects it if its response keys conflict. */
  #repeatFragment(scope: SelectionScope): SelectionNode[] {
    const fitting = this.#fragments.filter(({ type }) => type === scope.type);
    if (fitting.length === 0) return [];
    const { name } = this.#random.pick(fitting).definition;
    return [{ kind: NodeKind.FRAGMENT_SPREAD, name, directives: this.#conditions(0.25) }];
  }

  #conditions(probability: number): DirectiveNode[] {
    if (!this.#has("conditions") || this.#directives >= MAX_DIRECTIVES) return [];
    if (!this.#random.chance(probability)) return [];
    const isBoth = this.#random.chance(0.1);
    const names = isBoth ? ["include", "skip"] : [this.#random.pick(["include", "skip"])];
    this.#directives += names.length;
    return names.map((name) =>
      directive(name, this.#variables.condition(this.#random.chance(0.5))),
    );
  }

  /** Excludes all selections, so that the selection set is empty. */
  #excludeAll(selections: SelectionNode[]): SelectionNode[] {
    if (this.#directives + selections.length >= MAX_DIRECTIVES) return selections;
    this.#directives += selections.length;
    const condition = this.#random.chance(0.5)
      ? this.#variables.condition(false)
      : booleanValue(false);
    const exclusion = () =>
      condition.kind === NodeKind.BOOLEAN && this.#random.chance(0.5)
        ? directive("skip", booleanValue(true))
        : directive("include", condition);
    return selections.map((node) => ({
      ...node,
      directives: node.directives?.length ? node.directives : [exclusion()],
    }));
  }

  #has(kind: OperationKind): boolean {
    return this.#options.kinds.has(kind);
  }
}

/** Selects, in the payload of one mutation, what a later one changes: it must not have changed yet. */
function probeSelection(
  later: GraphQLField<unknown, unknown>,
  earlier: GraphQLField<unknown, unknown>,
): SelectionNode[] {
  const target = fieldsOf(later).find(hasId);
  for (const entity of fieldsOf(earlier).filter(hasId))
    for (const edge of fieldsOf(entity).filter((one) => hasId(one) && one.args.length === 0))
      for (const list of fieldsOf(edge)) {
        if (list.args.length === 0 || !target || entityName(list) !== entityName(target)) continue;
        const leaves = fieldsOf(target).filter((one) => isLeafType(getNamedType(one.type)));
        const nodes = leaves.map(({ name }) => field(name, undefined, [], [], undefined));
        const page = [field("nodes", undefined, [], [], nodes)];
        const listed = field(
          list.name,
          undefined,
          [argument("first", intValue(PROBE_PAGE_SIZE))],
          [],
          page,
        );
        return [
          field(entity.name, PROBE_ALIAS, [], [], [field(edge.name, undefined, [], [], [listed])]),
        ];
      }
  return [];
}

function addSelections(node: SelectionNode, more: SelectionNode[]): SelectionNode {
  if (more.length === 0 || node.kind !== NodeKind.FIELD || !node.selectionSet) return node;
  return { ...node, selectionSet: set([...node.selectionSet.selections, ...more]) };
}

function fieldsOf({ type }: GraphQLField<unknown, unknown>): GraphQLField<unknown, unknown>[] {
  const named = getNamedType(type);
  return isObjectType(named) ? Object.values(named.getFields()) : [];
}

function innerScope(type: unknown): SelectionScope | AbstractScope | undefined {
  if (isObjectType(type)) return { type, usedKeys: new Map() };
  return isAbstractType(type) ? { abstract: type, usedKeys: new Map() } : undefined;
}

/** The response keys of fields that the type of the scope has: the members of a union share theirs. */
function ownKeys({ type, usedKeys }: SelectionScope): [string, UsedKey][] {
  const fields = type.getFields();
  return [...usedKeys.entries()].filter(
    ([, { field: used }]) =>
      used === TypeNameMetaFieldDef || `${fields[used.name]?.type}` === `${used.type}`,
  );
}

function hasId({ type }: GraphQLField<unknown, unknown>): boolean {
  const named = getNamedType(type);
  return isObjectType(named) && named.getFields().id !== undefined;
}

/** The entity type of a field, for connections the type of their nodes. */
function entityName({ type }: GraphQLField<unknown, unknown>): string {
  return getNamedType(type).name.replace(/(Connection|Edge)$/, "");
}

function signature({ field: { name }, args }: Pick<UsedKey, "field" | "args">): string {
  return `${name}(${args.map(print).sort().join(", ")})`;
}
