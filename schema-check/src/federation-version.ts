// Federation versions that only the second composer knows, and directives that only the first one knows.

import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type DefinitionNode,
  type DirectiveDefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  Kind,
  print,
  visit,
} from "graphql";
import type { Subgraph } from "./subgraphs.ts";

/** The newest version that @theguild/federation-composition knows, and the newest that @apollo/composition does. */
const KNOWN_TO_BOTH = 9;
const KNOWN = 14;

/** Added by later versions. They say how to cache or fetch, not what clients can query. */
const LATER_DIRECTIVES = new Set(["@cacheTag"]);

export interface AsNewestKnown {
  document: DocumentNode;
  /** What the first composer does not see, such as `federation v2.12` and `@cacheTag`. */
  unseen: readonly string[];
}

/** The document for the first composer: with the newest version that it knows, and without what came later. */
export function asNewestKnown(document: DocumentNode): AsNewestKnown {
  const links = linksOf(document);
  const federation = links.find((link) => {
    const minor = minorVersion(urlOf(link), "federation");
    return minor !== undefined && minor > KNOWN_TO_BOTH && minor <= KNOWN;
  });
  const connect = links.find((link) => minorVersion(urlOf(link), "connect") !== undefined);
  if (!federation && !connect) return { document, unseen: [] };

  const unseen: string[] = [];
  const hidden = new Set<string>();
  const hide = (names: readonly Import[]) => {
    for (const { name, as } of names) {
      hidden.add(as.slice(1));
      unseen.push(name);
    }
  };
  if (federation) {
    unseen.push(`federation v2.${minorVersion(urlOf(federation), "federation")}`);
    hide(importsOf(federation).filter(({ name }) => LATER_DIRECTIVES.has(name)));
    for (const name of LATER_DIRECTIVES) hidden.add(`federation__${name.slice(1)}`);
  }
  if (connect) hide(importsOf(connect).filter(({ name }) => name.startsWith("@")));

  const rewritten: DocumentNode = visit(document, {
    Directive(node) {
      if (node === connect || hidden.has(node.name.value)) return null;
      return node === federation ? lowered(federation) : undefined;
    },
  });
  return { document: withoutEmptyExtensions(rewritten), unseen };
}

/** Both composers together have seen all of the graph, except for this. */
export function seenByOneComposer(subgraphs: readonly Subgraph[]): string[] {
  return subgraphs.flatMap(({ name, document }) => {
    const { unseen } = asNewestKnown(document);
    const oneOf = usesOneOf(document) ? ["@oneOf"] : [];
    return [
      ...unseen.map((what) => `${what} (${name}) only by @apollo/composition`),
      ...oneOf.map((what) => `${what} (${name}) only by @theguild/federation-composition`),
    ];
  });
}

/** The text for the second composer, which does not know `@oneOf`. Everything stays where it is in its line. */
export function withoutOneOf(document: DocumentNode): string {
  const source = document.loc?.source.body;
  if (source === undefined) return print(document);
  if (!usesOneOf(document)) return source;
  const ranges: { start: number; end: number }[] = [];
  const note = ({ name, loc }: DirectiveNode | DirectiveDefinitionNode) => {
    if (name.value === "oneOf" && loc) ranges.push(loc);
  };
  visit(document, { Directive: note, DirectiveDefinition: note });
  return ranges.reduce((text, { start, end }) => {
    const blank = text.slice(start, end).replaceAll(/[^\n]/g, " ");
    return text.slice(0, start) + blank + text.slice(end);
  }, source);
}

function usesOneOf({ definitions }: DocumentNode): boolean {
  return definitions.some(
    (node) =>
      "directives" in node && (node.directives ?? []).some(({ name }) => name.value === "oneOf"),
  );
}

function linksOf({ definitions }: DocumentNode): ConstDirectiveNode[] {
  return definitions.flatMap((node) =>
    node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION
      ? (node.directives ?? []).filter(({ name }) => name.value === "link")
      : [],
  );
}

function argumentOf({ arguments: args = [] }: ConstDirectiveNode, name: string) {
  return args.find((argument) => argument.name.value === name)?.value;
}

function urlOf(link: ConstDirectiveNode): string {
  const url = argumentOf(link, "url");
  return url?.kind === Kind.STRING ? url.value : "";
}

/** Of version 2 of federation, and of any of the connectors. */
function minorVersion(url: string, spec: "federation" | "connect"): number | undefined {
  const major = spec === "federation" ? "2" : "\\d+";
  const found = new RegExp(`^https://specs\\.apollo\\.dev/${spec}/v${major}\\.(\\d+)/?$`).exec(url);
  return found ? Number(found[1]) : undefined;
}

interface Import {
  name: string;
  as: string;
}

function importsOf(link: ConstDirectiveNode): Import[] {
  const imports = argumentOf(link, "import");
  return imports?.kind === Kind.LIST
    ? imports.values.flatMap((value) => importOf(value) ?? [])
    : [];
}

function importOf(value: ConstValueNode): Import | undefined {
  if (value.kind === Kind.STRING) return { name: value.value, as: value.value };
  if (value.kind !== Kind.OBJECT) return undefined;
  const field = (name: string) => {
    const found = value.fields.find((each) => each.name.value === name)?.value;
    return found?.kind === Kind.STRING ? found.value : undefined;
  };
  const name = field("name");
  return name === undefined ? undefined : { name, as: field("as") ?? name };
}

function lowered(link: ConstDirectiveNode): ConstDirectiveNode {
  return {
    ...link,
    arguments: link.arguments?.map((argument) => {
      const { value } = argument;
      if (argument.name.value === "url" && value.kind === Kind.STRING) {
        return {
          ...argument,
          value: { ...value, value: `https://specs.apollo.dev/federation/v2.${KNOWN_TO_BOTH}` },
        };
      }
      if (argument.name.value !== "import" || value.kind !== Kind.LIST) return argument;
      const isKnown = (item: ConstValueNode) => !LATER_DIRECTIVES.has(importOf(item)?.name ?? "");
      return { ...argument, value: { ...value, values: value.values.filter(isKnown) } };
    }),
  };
}

/** `extend schema` without any directive is a syntax error. */
function withoutEmptyExtensions(document: DocumentNode): DocumentNode {
  const isEmpty = (node: DefinitionNode) =>
    node.kind === Kind.SCHEMA_EXTENSION && !node.directives?.length && !node.operationTypes?.length;
  return { ...document, definitions: document.definitions.filter((node) => !isEmpty(node)) };
}
