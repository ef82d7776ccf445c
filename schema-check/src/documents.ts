// Finds the documents in the files of clients, in the layouts of common clients: one file for each document,
// fragments in files of their own, `#import`, and tagged templates in TypeScript and JavaScript.

import { createRequire } from "node:module";
import { join, posix, sep } from "node:path";
import {
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  isTypeSystemDefinitionNode,
  isTypeSystemExtensionNode,
  Kind,
  parse,
  print,
  Source,
  visit,
} from "graphql";
import { withoutClientDirectives } from "./client-directives.ts";
import { CouldNotRun, type Location } from "./problem.ts";

/** A file of a folder of documents, or a template in it. */
export interface DocumentText {
  file: string;
  text: string;
  /** The line in the file on which the text begins. */
  line: number;
  /** Whether the file has nothing else. */
  isWholeFile: boolean;
}

/** A document as it is sent: with the fragments that it uses, and without directives for the client alone. */
export interface SentDocument extends DocumentText {
  document: DocumentNode;
}

export const isDocumentFile = (name: string): boolean => /\.(graphql|gql)$/.test(name);

const isCodeFile = (name: string): boolean =>
  /(?<!\.d)\.(ts|tsx|mts|cts|js|jsx|mjs|cjs)$/.test(name);

/** Whether a file in a folder of documents is to be read. Copies and generated files are not. */
export function mayHaveDocuments(path: string): boolean {
  const folders = path.split(/[/\\]/).slice(0, -1);
  if (folders.some((name) => SKIPPED_FOLDERS.has(name) || name.startsWith("."))) return false;
  return isDocumentFile(path) || isCodeFile(path);
}

const SKIPPED_FOLDERS = new Set(["node_modules", "__generated__", "dist", "build", "coverage"]);

/** The documents in a file: its text, or the templates in its code. */
export function documentsIn(file: string, text: string): DocumentText[] {
  if (isDocumentFile(file)) return [{ file, text, line: 1, isWholeFile: true }];
  if (!TEMPLATE.test(text)) return [];
  return pluck(file, text).map(({ body, locationOffset }) => ({
    ...{ file, text: body, isWholeFile: false },
    line: locationOffset?.line ?? 1,
  }));
}

/** Code without any of these has no documents, and need not be parsed. */
const TEMPLATE = /\b(gql|graphql)\s*[(`<]|\/\*\s*GraphQL\s*\*\//;

interface Plucked {
  body: string;
  locationOffset?: { line: number; column: number };
}

function pluck(file: string, code: string): Plucked[] {
  // Loaded on demand: it brings a parser of TypeScript with it, which most graphs do not need.
  const require = createRequire(import.meta.url);
  const { gqlPluckFromCodeStringSync } = require("@graphql-tools/graphql-tag-pluck");
  try {
    return gqlPluckFromCodeStringSync(file, code, { skipIndent: true });
  } catch (cause) {
    const { message, loc } = cause as Error & { loc?: { line: number; column: number } };
    const location = { file, line: loc?.line ?? 1, column: loc && loc.column + 1 };
    throw new CouldNotRun({ code: "UNREADABLE_CODE", message, location });
  }
}

interface ParsedText extends DocumentText {
  document: DocumentNode;
  /** Whether the text has other operations, too. */
  isPart?: boolean;
}

/** The documents with an operation. Files with fragments, or with a schema, are no documents of their own. */
export function assemble(
  texts: readonly DocumentText[],
  report: (problem: CouldNotRun) => void,
): SentDocument[] {
  const parsed = texts.flatMap((text): ParsedText[] => {
    try {
      return isBlank(text.text) ? [] : [{ ...text, document: parseDocument(text) }];
    } catch (cause) {
      if (!(cause instanceof CouldNotRun)) throw cause;
      report(cause);
      return [];
    }
  });
  const fragments = new FragmentIndex(texts, parsed);
  return parsed
    .filter(({ document }) => !isSchema(document) && hasOperation(document))
    .flatMap(byOperation)
    .flatMap((each): SentDocument[] => {
      try {
        return [sentDocument(each, fragments)];
      } catch (cause) {
        if (!(cause instanceof CouldNotRun)) throw cause;
        report(cause);
        return [];
      }
    });
}

/** Clients send each operation of a file by itself, with the fragments that it needs. */
function byOperation(text: ParsedText): ParsedText[] {
  const { definitions } = text.document;
  const operations = definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  if (operations.length === 1) return [text];
  return operations.map((operation) => ({
    ...text,
    line: text.line - 1 + (operation.loc?.startToken.line ?? 1),
    isPart: true,
    document: { ...text.document, definitions: [operation] },
  }));
}

const isBlank = (text: string): boolean => text.replaceAll(/#.*/g, "").trim() === "";

export function parseDocument({
  file,
  text,
  line,
}: Omit<DocumentText, "isWholeFile">): DocumentNode {
  try {
    return parse(new Source(text, file, { line, column: 1 }));
  } catch (cause) {
    if (!(cause instanceof GraphQLError)) throw cause;
    const location = errorLocation(cause, { file, line });
    throw new CouldNotRun({ code: "SYNTAX_ERROR", message: cause.message, location });
  }
}

/** Where an error is in the file that it is about, which can be the file of a fragment. */
export function errorLocation({ source, locations }: GraphQLError, otherwise: Location): Location {
  const at = locations?.[0];
  if (!source || !at) return otherwise;
  return { file: source.name, line: source.locationOffset.line - 1 + at.line, column: at.column };
}

const hasOperation = ({ definitions }: DocumentNode): boolean =>
  definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION);

const isSchema = ({ definitions }: DocumentNode): boolean =>
  definitions.every((node) => isTypeSystemDefinitionNode(node) || isTypeSystemExtensionNode(node));

function sentDocument(each: ParsedText, fragments: FragmentIndex): SentDocument {
  const needed = fragments.neededBy(each);
  const isWritten = needed.length === 0 && each.isWholeFile && !each.isPart;
  const complete: DocumentNode =
    needed.length === 0
      ? each.document
      : { ...each.document, definitions: [...each.document.definitions, ...needed] };
  const document = withoutClientDirectives(complete);
  // Only a document that is sent as it is written has the id of its text.
  const text = isWritten && document === complete ? each.text : print(document);
  return { ...each, document, text };
}

interface Fragment {
  node: FragmentDefinitionNode;
  file: string;
}

/** Fragments by name: those of the document itself come first, then imported ones, then any of that name. */
class FragmentIndex {
  private readonly byName = new Map<string, Fragment[]>();
  private readonly imports = new Map<string, string[]>();

  constructor(texts: readonly DocumentText[], parsed: readonly ParsedText[]) {
    for (const { file, document } of parsed) {
      for (const node of document.definitions.filter(isFragment)) {
        const same = this.byName.get(node.name.value);
        if (same) same.push({ node, file });
        else this.byName.set(node.name.value, [{ node, file }]);
      }
    }
    // A file can have nothing but imports.
    for (const { file, text } of texts) {
      const imported = importsOf(text).map((path) => posix.join(posixPath(file), "..", path));
      if (imported.length > 0) this.imports.set(posixPath(file), imported);
    }
  }

  /** The fragments that a document spreads and does not define, and those that they spread. */
  neededBy({ document, file, line }: ParsedText): FragmentDefinitionNode[] {
    const known = new Set(document.definitions.filter(isFragment).map(({ name }) => name.value));
    const needed: FragmentDefinitionNode[] = [];
    const pending: { name: string; from: string }[] = [];
    const collect = (node: DefinitionNode, from: string) =>
      visit(node, { FragmentSpread: ({ name }) => void pending.push({ name: name.value, from }) });
    for (const node of document.definitions) collect(node, file);
    for (let next = pending.shift(); next; next = pending.shift()) {
      if (known.has(next.name)) continue;
      known.add(next.name);
      const found = this.find(next.name, next.from, { file, line });
      if (!found) continue;
      needed.push(found.node);
      collect(found.node, found.file);
    }
    return needed;
  }

  private find(name: string, from: string, user: Location): Fragment | undefined {
    const all = this.byName.get(name) ?? [];
    const imported = this.importedBy(from);
    const near = all.filter(({ file }) => file === from || imported.has(posixPath(file)));
    const found = near.length > 0 ? near : all;
    const texts = new Set(found.map(({ node }) => print(node)));
    if (texts.size <= 1) return found[0];
    const files = found.map(({ file }) => file).join(", ");
    const message = `the fragment ${name} is defined in several ways, in ${files}: import one of them, or rename it`;
    throw new CouldNotRun({ code: "AMBIGUOUS_FRAGMENT", message, location: user });
  }

  private importedBy(file: string): ReadonlySet<string> {
    const reached = new Set<string>();
    const pending = [posixPath(file)];
    for (let next = pending.pop(); next; next = pending.pop()) {
      for (const path of this.imports.get(next) ?? []) {
        if (reached.has(path)) continue;
        reached.add(path);
        pending.push(path);
      }
    }
    return reached;
  }
}

const isFragment = (node: DefinitionNode): node is FragmentDefinitionNode =>
  node.kind === Kind.FRAGMENT_DEFINITION;

const posixPath = (path: string): string => join(path).split(sep).join("/");

/** `#import "./card.graphql"`, and the newer `# import Card from "./card.graphql"`. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/^#\s*import\s+(?:[\w*,\s]+\s+from\s+)?["']([^"']+)["']/gm)].map(
    ([, path = ""]) => path,
  );
}
