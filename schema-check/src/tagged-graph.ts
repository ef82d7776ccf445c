// A supergraph by its tags: what a contract hides of it, and what would be wrong with the rest.

import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type DirectiveNode,
  type DocumentNode,
  type EnumValueDefinitionNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  isTypeDefinitionNode,
  Kind,
  type NamedTypeNode,
  type SchemaDefinitionNode,
  type TypeDefinitionNode,
  type TypeNode,
} from "graphql";
import { publicDocument } from "./composition.ts";
import type { Problem } from "./problem.ts";

export interface ContractFilter {
  /** If there are any, only fields and unions with one of these tags are visible. */
  include: readonly string[];
  /** What has one of these tags is hidden, whatever else it has. */
  exclude: readonly string[];
}

type FieldsNode = Extract<TypeDefinitionNode, { fields?: unknown }>;
type Implementing = Extract<TypeDefinitionNode, { interfaces?: unknown }>;

const hasFields = (node: TypeDefinitionNode): node is FieldsNode => "fields" in node;
export const isImplementing = (node: TypeDefinitionNode): node is Implementing =>
  "interfaces" in node;

/** The types that clients see, and which of their parts are hidden. */
export class TaggedGraph {
  /** All tags that anything has. */
  readonly tags: ReadonlySet<string>;
  readonly inaccessible: string;
  /** Without those that are hidden already, and those of specifications. */
  readonly clientTypes: ReadonlySet<string>;
  private readonly types: ReadonlyMap<string, TypeDefinitionNode>;
  private readonly roots: readonly string[];
  private readonly query: string;
  private readonly directiveArguments: readonly InputValueDefinitionNode[];
  private readonly tag: string;
  /** Coordinates such as `Type.field(argument:)`. */
  private readonly hidden = new Set<string>();
  private readonly reachable = new Set<string>();

  constructor(supergraph: DocumentNode) {
    this.tag = directiveName(supergraph, "tag");
    this.inaccessible = directiveName(supergraph, "inaccessible");
    const { definitions } = publicDocument(supergraph);
    this.clientTypes = new Set(
      definitions.filter(isTypeDefinitionNode).map(({ name }) => name.value),
    );
    const types = supergraph.definitions.filter(isTypeDefinitionNode);
    this.types = new Map(types.map((node) => [node.name.value, node] as const));
    for (const [name, node] of this.types) {
      if (!this.clientTypes.has(name)) this.hidden.add(name);
      for (const [coordinate, part] of partsOf(node)) {
        if (hasDirective(part, this.inaccessible)) this.hidden.add(coordinate);
      }
    }
    const schema = supergraph.definitions.find(isSchemaDefinition);
    const operations = schema?.operationTypes ?? [];
    const rootOf = (operation: string, usual: string) =>
      operations.find((each) => each.operation === operation)?.type.name.value ?? usual;
    this.query = rootOf("query", "Query");
    this.roots = [
      this.query,
      rootOf("mutation", "Mutation"),
      rootOf("subscription", "Subscription"),
    ];
    this.directiveArguments = definitions.flatMap((node) =>
      node.kind === Kind.DIRECTIVE_DEFINITION ? (node.arguments ?? []) : [],
    );
    this.tags = new Set(
      types.flatMap((node) => [
        ...this.tagsOf(node),
        ...partsOf(node).flatMap(([, part]) => this.tagsOf(part)),
      ]),
    );
  }

  isHidden(coordinate: string): boolean {
    return this.hidden.has(coordinate);
  }

  hideByTags({ include, exclude }: ContractFilter): void {
    const isExcluded = (tags: readonly string[]) => tags.some((tag) => exclude.includes(tag));
    const isMissing = (tags: readonly string[]) =>
      include.length > 0 && !tags.some((tag) => include.includes(tag));
    for (const [name, type] of this.types) {
      const inherited = this.tagsOf(type);
      const isUnion = type.kind === Kind.UNION_TYPE_DEFINITION;
      if (isExcluded(inherited) || (isUnion && isMissing(inherited))) this.hidden.add(name);
      for (const [coordinate, part] of partsOf(type)) {
        const own = this.tagsOf(part);
        const isMissingField =
          part.kind === Kind.FIELD_DEFINITION && isMissing([...inherited, ...own]);
        if (isExcluded(own) || isMissingField) this.hidden.add(coordinate);
      }
    }
  }

  /** A type of which nothing visible is left is hidden. Fields that lead to it are not, which is an error. */
  hideEmptyTypes(): void {
    for (const [name, type] of this.types) {
      const parts = directPartsOf(type);
      const isEmpty = parts.length > 0 && parts.every(([coordinate]) => this.isHidden(coordinate));
      if (isEmpty) this.hidden.add(name);
    }
    for (const [name, type] of this.types) {
      if (type.kind !== Kind.UNION_TYPE_DEFINITION) continue;
      if (type.types?.every((member) => this.isHidden(member.name.value))) this.hidden.add(name);
    }
  }

  /** What is wrong with what clients can reach. */
  followVisible(): Problem[] {
    if (this.isHidden(this.query) || !this.types.has(this.query)) {
      const message = "nothing that can be queried is left";
      return [{ code: "QUERY_ROOT_TYPE_INACCESSIBLE", message, coordinate: this.query }];
    }
    const problems: Problem[] = [];
    const queue = this.roots.filter((name) => this.types.has(name) && !this.isHidden(name));
    const reach = (name: string) => {
      if (this.isHidden(name) || !this.types.has(name)) return;
      if (!this.reachable.has(name)) queue.push(name);
      this.reachable.add(name);
    };
    for (const name of queue) this.reachable.add(name);
    for (const { type } of this.directiveArguments) reach(namedType(type));
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const type = this.types.get(name) as TypeDefinitionNode;
      problems.push(...this.problemsOf(type));
      for (const [coordinate, part] of this.visibleParts(type)) {
        if (part.kind === Kind.ENUM_VALUE_DEFINITION) continue;
        const to = namedType(part.type);
        if (this.isHidden(to)) problems.push(leadsToHidden(coordinate, to));
        reach(to);
      }
      for (const each of this.relatedTypes(type)) reach(each);
    }
    return problems;
  }

  /** A type that clients cannot reach says what they need not know. One with an included tag is wanted even so. */
  hideUnreachable({ include }: ContractFilter): void {
    for (const [name, type] of this.types) {
      const isWanted = this.tagsOf(type).some((tag) => include.includes(tag));
      if (!this.reachable.has(name) && !isWanted) this.hidden.add(name);
    }
  }

  private relatedTypes(type: TypeDefinitionNode): string[] {
    const names = (nodes: readonly NamedTypeNode[] = []) => nodes.map(({ name }) => name.value);
    if (type.kind === Kind.UNION_TYPE_DEFINITION) return names(type.types);
    const implementing =
      type.kind === Kind.INTERFACE_TYPE_DEFINITION
        ? [...this.types].filter(([, each]) =>
            this.interfacesOf(each).some((name) => name === type.name.value),
          )
        : [];
    return [...this.interfacesOf(type), ...implementing.map(([name]) => name)];
  }

  private interfacesOf(type: TypeDefinitionNode): string[] {
    return isImplementing(type) ? (type.interfaces ?? []).map(({ name }) => name.value) : [];
  }

  private problemsOf(type: TypeDefinitionNode): Problem[] {
    return [
      ...this.requiredButHidden(type),
      ...this.implementedButHidden(type),
      ...this.hiddenDefaults(type),
    ];
  }

  private requiredButHidden(type: TypeDefinitionNode): Problem[] {
    return partsOf(type).flatMap(([coordinate, part, parent]) => {
      const isRequired =
        part.kind === Kind.INPUT_VALUE_DEFINITION &&
        part.type.kind === Kind.NON_NULL_TYPE &&
        part.defaultValue === undefined;
      if (!isRequired || !this.isHidden(coordinate) || this.isHidden(parent)) return [];
      const message = `it is required, and hidden while ${parent} is visible: hide both or neither, or make it optional`;
      return [{ code: "REQUIRED_INACCESSIBLE", message, coordinate }];
    });
  }

  private implementedButHidden(type: TypeDefinitionNode): Problem[] {
    if (!isImplementing(type)) return [];
    const own = type.name.value;
    return this.interfacesOf(type).flatMap((name) => {
      const implemented = this.types.get(name);
      if (!implemented || this.isHidden(name)) return [];
      return this.visibleParts(implemented).flatMap(([of]) => {
        const coordinate = `${own}${of.slice(name.length)}`;
        if (!this.isHidden(coordinate)) return [];
        const message = `it is hidden, and implements ${of}, which is visible: hide both or neither`;
        return [{ code: "IMPLEMENTED_BY_INACCESSIBLE", message, coordinate }];
      });
    });
  }

  private hiddenDefaults(type: TypeDefinitionNode): Problem[] {
    return this.visibleParts(type).flatMap(([coordinate, part]) => {
      if (part.kind !== Kind.INPUT_VALUE_DEFINITION || !part.defaultValue) return [];
      return this.hiddenIn(part.defaultValue, namedType(part.type)).map((used) => ({
        code: "DEFAULT_VALUE_USES_INACCESSIBLE",
        message: `its default value uses ${used}, which is hidden`,
        coordinate,
      }));
    });
  }

  /** What a default value names and clients do not see. */
  private hiddenIn(value: ConstValueNode, type: string): string[] {
    if (value.kind === Kind.LIST) return value.values.flatMap((each) => this.hiddenIn(each, type));
    if (value.kind === Kind.ENUM) {
      return this.isHidden(`${type}.${value.value}`) ? [`${type}.${value.value}`] : [];
    }
    if (value.kind !== Kind.OBJECT) return [];
    const definition = this.types.get(type);
    const fields = definition && hasFields(definition) ? (definition.fields ?? []) : [];
    return value.fields.flatMap(({ name, value: inner }) => {
      const field = fields.find((each) => each.name.value === name.value);
      const coordinate = `${type}.${name.value}`;
      if (this.isHidden(coordinate)) return [coordinate];
      return field ? this.hiddenIn(inner, namedType(field.type)) : [];
    });
  }

  private visibleParts(type: TypeDefinitionNode): TypePart[] {
    return partsOf(type).filter(
      ([coordinate, , parent]) => !this.isHidden(coordinate) && !this.isHidden(parent),
    );
  }

  private tagsOf({ directives = [] }: { directives?: readonly DirectiveNode[] }): string[] {
    return directives.flatMap(({ name, arguments: given = [] }) => {
      const value = given.find((each) => each.name.value === "name")?.value;
      return name.value === this.tag && value?.kind === Kind.STRING ? [value.value] : [];
    });
  }
}

function leadsToHidden(coordinate: string, to: string): Problem {
  const message = `it is visible, and leads to ${to}, which is hidden: hide both or neither`;
  return { code: "REFERENCED_INACCESSIBLE", message, coordinate };
}

type PartNode = FieldDefinitionNode | InputValueDefinitionNode | EnumValueDefinitionNode;

/** A coordinate, what is there, and the coordinate of what it is in. */
type TypePart = readonly [coordinate: string, part: PartNode, parent: string];

/** The fields, input fields or values of a type. */
export function directPartsOf(type: TypeDefinitionNode): TypePart[] {
  const parent = type.name.value;
  const parts: readonly PartNode[] = hasFields(type)
    ? (type.fields ?? [])
    : "values" in type
      ? (type.values ?? [])
      : [];
  return parts.map((part) => [`${parent}.${part.name.value}`, part, parent]);
}

/** With the arguments of the fields. */
function partsOf(type: TypeDefinitionNode): TypePart[] {
  return directPartsOf(type).flatMap((found): TypePart[] => {
    const [parent, part] = found;
    if (part.kind !== Kind.FIELD_DEFINITION) return [found];
    const taken = (part.arguments ?? []).map(
      (argument): TypePart => [`${parent}(${argument.name.value}:)`, argument, parent],
    );
    return [found, ...taken];
  });
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}

export const isSchemaDefinition = (node: { kind: string }): node is SchemaDefinitionNode =>
  node.kind === Kind.SCHEMA_DEFINITION;

export function hasDirective(
  node: { directives?: readonly DirectiveNode[] },
  directive: string,
): boolean {
  return (node.directives ?? []).some(({ name }) => name.value === directive);
}

/** The name of a directive of Apollo's specifications, which `@link` may rename. */
function directiveName({ definitions }: DocumentNode, usual: string): string {
  const link = linkTo(definitions.find(isSchemaDefinition), usual);
  return link ? (stringArgument(link, "as") ?? usual) : usual;
}

export function linkTo(schema: SchemaDefinitionNode | undefined, name: string) {
  return schema?.directives?.find((directive) =>
    stringArgument(directive, "url")?.startsWith(`https://specs.apollo.dev/${name}/`),
  );
}

export function stringArgument(directive: ConstDirectiveNode, name: string): string | undefined {
  const value = directive.arguments?.find((each) => each.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}
