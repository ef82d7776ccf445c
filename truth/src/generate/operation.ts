// Makes operations at random, from the schema: valid ones, whatever they come to.

import {
  type ArgumentNode,
  type DirectiveNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isObjectType,
  Kind as NodeKind,
  OperationTypeNode,
  parse,
  print,
  type SelectionNode,
  TypeNameMetaFieldDef,
} from "graphql";
import { KEY_NAMES, type Kind, TAKEN_NAMES } from "../kinds.ts";
import { mutations } from "../mutations.ts";
import type { Operation } from "../operation.ts";
import type { Viewer } from "../permissions.ts";
import type { Random } from "../random.ts";
import { Arguments } from "./arguments.ts";
import { argument, bool, directive, field, int, named, namedType, set } from "./nodes.ts";
import type { Pools } from "./pools.ts";
import { Variables } from "./variables.ts";

// The router's own limits are a bit higher.
const MAX_DEPTH = 12;
const MAX_ALIASES = 25;
const MAX_DIRECTIVES = 40;
/** No other alias is called so. */
const LOOK = "a9";
const LOOK_SIZE = 40;
/** Of each mutation at least. */
const MIN_FIELDS = 12;
/** Of a list of lists, where nobody says. */
const MAX_OBJECTS = 60;

/** Those that change something are what others can be compared with. */
const MUTATION_WEIGHTS: Record<string, number> = {
  markNotificationRead: 6,
  markAllNotificationsRead: 2,
  updateCourse: 6,
  createCourse: 5,
  setEnrollmentStatus: 6,
  verifyTeacher: 2,
  // They hash passwords.
  login: 0.8,
  register: 0.8,
};
const OF_ANOTHER_ROLE = 0.4;

/** What stands beside the operation in its document, and is not run. */
const OTHER_OPERATIONS = [
  "mutation Other { markAllNotificationsRead { count } }",
  "query Other($id: ID! = 1, $first: Int!) { user(id: $id) { name } courses(first: $first) { totalCount } }",
  "subscription Other { notificationAdded { id } }",
];

/** What the router answers by itself. */
const INTROSPECTION = [
  "__schema { queryType { name } mutationType { kind name } }",
  '__type(name: "User") { kind name }',
  '__type(name: "Nobody") { name }',
];

/** What one selection set, with the fragments in it, has under each key of the answer. */
interface Scope {
  type: GraphQLObjectType;
  taken: Map<string, Taken>;
}

interface Taken {
  field: GraphQLField<unknown, unknown>;
  args: ArgumentNode[];
  /** How many objects it may come to. */
  objects: number;
  inner: Scope | undefined;
}

interface Where {
  depth: number;
  objects: number;
  /** The types on the way here. */
  way: readonly string[];
}

const ROOT: Where = { depth: 1, objects: 1, way: [] };

export interface Making {
  schema: GraphQLSchema;
  pools: Pools;
  random: Random;
  viewer: Viewer;
  kinds: ReadonlySet<Kind>;
  operation: OperationTypeNode;
  /** Whether the viewer's role lets them do this. */
  mayDo: (mutation: string) => boolean;
  /** How many objects a list of lists may come to. */
  maxObjects?: number;
}

export function make(making: Making): Operation {
  return new Maker(making).make();
}

class Maker {
  readonly #making: Making;
  readonly #random: Random;
  readonly #variables: Variables;
  readonly #arguments: Arguments;
  readonly #fragments: { definition: FragmentDefinitionNode; type: GraphQLObjectType }[] = [];
  #fieldsLeft: number;
  #aliases = 0;
  #directives = 0;

  constructor(making: Making) {
    const { random, pools, viewer, operation } = making;
    const changes = operation === OperationTypeNode.MUTATION;
    this.#making = making;
    this.#random = random;
    this.#variables = new Variables(random);
    this.#arguments = new Arguments(random, pools, viewer, this.#variables, changes);
    this.#fieldsLeft = random.pick([8, 15, 25, 40]);
  }

  make(): Operation {
    const { schema, operation, viewer } = this.#making;
    const type = schema.getRootType(operation);
    if (!type) throw new Error(`the schema has no ${operation}`);
    const scope = { type, taken: new Map() };
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
      name: isNamed ? named("Truth") : undefined,
      variableDefinitions: definitions,
      directives: [],
      selectionSet: set(selections),
    };
    const fragments = this.#fragments.map((fragment) => fragment.definition);
    const all = [definition, ...fragments];
    const document = this.#random.chance(0.5) ? [...others, ...all] : [...all, ...others];
    const isSaid = others.length > 0 || (isNamed && this.#random.chance(0.3));
    return {
      document: { kind: NodeKind.DOCUMENT, definitions: document },
      // What no operation defines is nobody's.
      variables: this.#random.chance(0.03) ? { ...values, nobodys: [{ id: 1 }] } : values,
      operationName: isSaid ? "Truth" : undefined,
      viewer,
    };
  }

  #mutationFields(scope: Scope): SelectionNode[] {
    const fields = Object.values(scope.type.getFields()).filter(({ name }) => mutations[name]);
    const weigh = (name: string) =>
      (MUTATION_WEIGHTS[name] ?? 1) * (this.#making.mayDo(name) ? 1 : OF_ANOTHER_ROLE);
    const weights = Object.fromEntries(fields.map(({ name }) => [name, weigh(name)]));
    const count = this.#random.pick([1, 2, 2, 3, 3, 4]);
    const chosen: string[] = [];
    // The same again changes the same again, or something beside it.
    while (chosen.length < count)
      chosen.push(
        this.#random.chance(0.4) && chosen[0] ? chosen[0] : this.#random.weighted(weights),
      );
    const found = chosen.flatMap((name) => fields.find((one) => one.name === name) ?? []);
    return found.flatMap((one, index) => {
      this.#fieldsLeft = Math.max(this.#fieldsLeft, MIN_FIELDS);
      const next = found[index + 1];
      const look = next && this.#random.chance(0.75) ? lookAt(next, one) : [];
      return this.#field(scope, one, ROOT).map((node) => withMore(node, look));
    });
  }

  #selections(scope: Scope, where: Where): SelectionNode[] {
    const count = this.#random.pick(where.depth === 1 ? [1, 1, 2, 3] : [1, 2, 2, 3, 4, 5]);
    const selections: SelectionNode[] = [];
    for (let tries = 0; selections.length < count && tries < 3 * count; tries += 1)
      selections.push(...this.#selection(scope, where));
    if (selections.length === 0)
      selections.push(...this.#field(scope, TypeNameMetaFieldDef, where));
    if (selections.length === 0) selections.push(...this.#again(scope, where));
    if (scope.type === this.#making.schema.getQueryType() && this.#random.chance(0.05))
      selections.push(this.#introspection());
    return this.#has("conditions") && this.#random.chance(0.04)
      ? this.#emptied(selections)
      : selections;
  }

  #selection(scope: Scope, where: Where): SelectionNode[] {
    const kind = this.#random.weighted({
      field: 70,
      typename: 6,
      inline: this.#fieldsLeft > 0 ? 10 : 0,
      spread: this.#fragments.length > 0 ? 5 : 0,
      again: scope.taken.size > 0 ? 6 : 0,
    });
    switch (kind) {
      case "typename":
        return this.#field(scope, TypeNameMetaFieldDef, where);
      case "inline":
        return [this.#fragment(scope, where)];
      case "spread":
        return this.#spreadAgain(scope);
      case "again":
        return this.#again(scope, where);
      default:
        return this.#field(scope, this.#choose(scope.type, where), where);
    }
  }

  #choose(type: GraphQLObjectType, where: Where): GraphQLField<unknown, unknown> {
    const { depth, objects, way } = where;
    const fields = Object.values(type.getFields());
    const leaves = fields.filter((one) => isLeafType(getNamedType(one.type)));
    const inner = fields.filter((one) => !leaves.includes(one));
    const mayGoDeeper =
      depth < MAX_DEPTH &&
      this.#fieldsLeft > 0 &&
      objects <= (this.#making.maxObjects ?? MAX_OBJECTS);
    const wantsDeeper = this.#random.chance(leaves.length > 0 ? 0.55 : 0.9);
    const goesDeeper = mayGoDeeper && inner.length > 0 && wantsDeeper;
    if (goesDeeper || type === this.#making.schema.getQueryType()) {
      // Most payloads have no errors, in which there would be something to see.
      const changed = depth === 2 ? inner.filter((one) => hasId(one)) : [];
      if (changed.length > 0 && this.#random.chance(0.6)) return this.#random.pick(changed);
      // The way back comes to what is known already, maybe in another state.
      const back = inner.filter((one) => way.includes(listedBy(one)));
      if (back.length > 0 && this.#random.chance(0.4)) return this.#random.pick(back);
      // What points to one object may point to another service's, or to nothing.
      const edges = inner.filter(({ args }) => args.length === 0);
      const isEdge = edges.length > 0 && this.#random.chance(0.4);
      return this.#random.pick(isEdge ? edges : inner);
    }
    return leaves.length > 0 ? this.#random.pick(leaves) : TypeNameMetaFieldDef;
  }

  #field(scope: Scope, found: GraphQLField<unknown, unknown>, where: Where): SelectionNode[] {
    const { args, size } = this.#arguments.of(found, where.objects);
    const key = this.#key(scope, found, args);
    if (key === undefined) return [];
    const type = getNamedType(found.type);
    const inner = isObjectType(type) ? { type, taken: new Map() } : undefined;
    const objects = where.objects * size;
    const taken = scope.taken.get(key) ?? { field: found, args, objects, inner };
    scope.taken.set(key, taken);
    return [this.#written(key, taken, where)];
  }

  /** A field that is there already, which is one field in the answer. */
  #again(scope: Scope, where: Where): SelectionNode[] {
    const all = [...scope.taken.entries()];
    const objects = all.filter(([, { inner }]) => inner);
    // What has selections of its own is what merging can get wrong.
    const isPlain = objects.length === 0 || this.#random.chance(0.3);
    const [key, taken] = this.#random.pick(isPlain ? all : objects);
    return [this.#written(key, taken, where)];
  }

  #written(key: string, taken: Taken, { depth, way }: Where): SelectionNode {
    const { field: found, args, objects, inner } = taken;
    this.#fieldsLeft -= 1;
    const isOwnName = key === found.name && !this.#random.chance(0.01);
    if (!isOwnName) this.#aliases += 1;
    const directives = this.#conditions(0.12);
    const below = { depth: depth + 1, objects, way: [...way, listedBy(found)] };
    const selections = inner && this.#selections(inner, below);
    return field(found.name, isOwnName ? undefined : key, args, directives, selections);
  }

  /** The key of the answer: the field's own name, or an alias; none that another field has taken. */
  #key(
    scope: Scope,
    found: GraphQLField<unknown, unknown>,
    args: ArgumentNode[],
  ): string | undefined {
    const fits = (key: string) => {
      const taken = scope.taken.get(key);
      return !taken || signature(taken) === signature({ field: found, args });
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
    const names = this.#random.chance(0.6) ? KEY_NAMES : Object.keys(type.getFields());
    return this.#random.pick(names);
  }

  #plainAlias(): string {
    return `${this.#random.pick(["a", "b", "c", "d", "e"])}${this.#random.below(9)}`;
  }

  /** Under a key that nothing else has, so that it never has to be merged. */
  #introspection(): SelectionNode {
    const [definition] = parse(`{ ${this.#random.pick(INTROSPECTION)} }`, {
      noLocation: true,
    }).definitions;
    const node =
      definition?.kind === NodeKind.OPERATION_DEFINITION && definition.selectionSet.selections[0];
    if (!node || node.kind !== NodeKind.FIELD) throw new Error("introspection is a field");
    this.#aliases += 1;
    return { ...node, alias: named(`s${this.#aliases}`), directives: this.#conditions(0.2) };
  }

  #fragment(scope: Scope, where: Where): SelectionNode {
    const selectionSet = set(this.#selections(scope, where));
    const directives = this.#conditions(0.25);
    if (this.#random.chance(0.65)) {
      const typeCondition = this.#random.chance(0.6) ? namedType(scope.type.name) : undefined;
      return { kind: NodeKind.INLINE_FRAGMENT, typeCondition, directives, selectionSet };
    }
    const name = named(this.#fragmentName());
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

  /** A new one. */
  #fragmentName(): string {
    const known = this.#fragments.map(({ definition }) => definition.name.value);
    const taken = TAKEN_NAMES.filter((name) => !known.includes(name));
    const isTaken = taken.length > 0 && this.#random.chance(0.1);
    return isTaken ? this.#random.pick(taken) : `F${known.length}`;
  }

  /** A fragment a second time. Whether its keys fit here is for validation to say. */
  #spreadAgain(scope: Scope): SelectionNode[] {
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

  /** All of it left out, so that nothing is selected. */
  #emptied(selections: SelectionNode[]): SelectionNode[] {
    if (this.#directives + selections.length >= MAX_DIRECTIVES) return selections;
    this.#directives += selections.length;
    const condition = this.#random.chance(0.5) ? this.#variables.condition(false) : bool(false);
    const leftOut = () =>
      condition.kind === NodeKind.BOOLEAN && this.#random.chance(0.5)
        ? directive("skip", bool(true))
        : directive("include", condition);
    return selections.map((node) => ({
      ...node,
      directives: node.directives?.length ? node.directives : [leftOut()],
    }));
  }

  #has(kind: Kind): boolean {
    return this.#making.kinds.has(kind);
  }
}

/** In the payload of one mutation, the list of what a later one changes: it must not have been changed by then. */
function lookAt(
  later: GraphQLField<unknown, unknown>,
  earlier: GraphQLField<unknown, unknown>,
): SelectionNode[] {
  const target = fieldsOf(later).find(hasId);
  for (const entity of fieldsOf(earlier).filter(hasId))
    for (const edge of fieldsOf(entity).filter((one) => hasId(one) && one.args.length === 0))
      for (const list of fieldsOf(edge)) {
        if (list.args.length === 0 || !target || listedBy(list) !== listedBy(target)) continue;
        const leaves = fieldsOf(target).filter((one) => isLeafType(getNamedType(one.type)));
        const nodes = leaves.map(({ name }) => field(name, undefined, [], [], undefined));
        const page = [field("nodes", undefined, [], [], nodes)];
        const listed = field(list.name, undefined, [argument("first", int(LOOK_SIZE))], [], page);
        return [field(entity.name, LOOK, [], [], [field(edge.name, undefined, [], [], [listed])])];
      }
  return [];
}

function withMore(node: SelectionNode, more: SelectionNode[]): SelectionNode {
  if (more.length === 0 || node.kind !== NodeKind.FIELD || !node.selectionSet) return node;
  return { ...node, selectionSet: set([...node.selectionSet.selections, ...more]) };
}

function fieldsOf({ type }: GraphQLField<unknown, unknown>): GraphQLField<unknown, unknown>[] {
  const named = getNamedType(type);
  return isObjectType(named) ? Object.values(named.getFields()) : [];
}

function hasId({ type }: GraphQLField<unknown, unknown>): boolean {
  const named = getNamedType(type);
  return isObjectType(named) && named.getFields().id !== undefined;
}

/** What a field leads to, in a list or not. */
function listedBy({ type }: GraphQLField<unknown, unknown>): string {
  return getNamedType(type).name.replace(/(Connection|Edge)$/, "");
}

function signature({ field: { name }, args }: Pick<Taken, "field" | "args">): string {
  return `${name}(${args.map(print).sort().join(", ")})`;
}
