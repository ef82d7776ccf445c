// Who sends a document, from a line such as `# Viewer: anonymous, student` in it.

import { type DocumentNode, TokenKind } from "graphql";
import type { Operation } from "./operations.ts";
import type { Problem } from "./problem.ts";

/** One name of the line. */
interface Viewer {
  name: string;
  line: number;
  column: number;
}

/** Nothing, where no line says it. */
export function viewersOf({ loc }: DocumentNode): Viewer[] | undefined {
  const viewers: Viewer[] = [];
  for (let token = loc?.startToken; token; token = token.next ?? undefined) {
    const names = token.kind === TokenKind.COMMENT && /^ *Viewer:(.*)$/.exec(token.value)?.[1];
    if (typeof names !== "string") continue;
    const { line, column } = token;
    viewers.push(...names.split(",").map((name) => ({ name: name.trim(), line, column })));
  }
  return viewers.length > 0 ? viewers : undefined;
}

/** What documents call a viewer of the permissions: `otherStudent` is a student like any other. */
export function kindOf(viewer: string): string {
  return (/[A-Z]*[^A-Z]*$/.exec(viewer)?.[0] ?? viewer).toLowerCase();
}

/** May the sender be one of these? Whoever has signed in may own something. */
export function mayBe(audience: string, senders: readonly string[] | undefined): boolean {
  if (senders === undefined) return true;
  return audience === "owner"
    ? senders.some((sender) => sender !== "anonymous")
    : senders.includes(kindOf(audience));
}

/** Names that are none would match nobody, and what nobody loses is nothing to be told of. */
export function unknownViewers(
  operations: readonly Operation[],
  known: readonly string[] | undefined,
): Problem[] {
  const kinds = known && [...new Set(known.map(kindOf))];
  const isKnown = (name: string) => (kinds ? kinds.includes(name) : /^\w+$/.test(name));
  const expected = kinds ? kinds.join(", ") : "the name of a viewer";
  return operations.flatMap(({ viewers = [] }) =>
    viewers
      .filter(({ name }) => !isKnown(name))
      .map(({ name, place }) => ({
        code: "UNKNOWN_VIEWER",
        message: `"${name}" is none of those who may send a document: ${expected}; more than one are separated by commas`,
        place,
      })),
  );
}
