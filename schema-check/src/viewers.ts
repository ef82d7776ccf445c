// Which viewers send a document, as declared by a comment such as `# Viewer: anonymous, student` in it.

import { type DocumentNode, TokenKind } from "graphql";
import type { Location, Problem } from "./problem.ts";

/** A viewer that a document names as its sender. */
export interface DeclaredViewer {
  name: string;
  location: Location;
}

/** Undefined when the document declares no viewer. */
export function declaredViewers(
  { loc }: DocumentNode,
  locate: (position: { line: number; column: number }) => Location,
): DeclaredViewer[] | undefined {
  const viewers: DeclaredViewer[] = [];
  for (let token = loc?.startToken; token; token = token.next ?? undefined) {
    const names = token.kind === TokenKind.COMMENT && /^ *Viewer:(.*)$/.exec(token.value)?.[1];
    if (typeof names !== "string") continue;
    const location = locate({ line: token.line, column: token.column });
    viewers.push(...names.split(",").map((name) => ({ name: name.trim(), location })));
  }
  return viewers.length > 0 ? viewers : undefined;
}

/** The kind of viewer that documents name: `otherStudent` in the permissions is a `student`. */
export function viewerKind(viewer: string): string {
  return (/[A-Z]*[^A-Z]*$/.exec(viewer)?.[0] ?? viewer).toLowerCase();
}

/** Whether one of the senders can belong to the audience. Any signed-in sender can be an owner. */
export function isPossibleSender(
  audience: string,
  senders: readonly string[] | undefined,
): boolean {
  if (senders === undefined) return true;
  return audience === "owner"
    ? senders.some((sender) => sender !== "anonymous")
    : senders.includes(viewerKind(audience));
}

/** An unknown viewer is an error: it would match no permission, and no loss of access would be reported. */
export function unknownViewers(
  declared: readonly DeclaredViewer[],
  known: readonly string[] | undefined,
): Problem[] {
  const kinds = known && [...new Set(known.map(viewerKind))];
  const isKnown = (name: string) => (kinds ? kinds.includes(name) : /^\w+$/.test(name));
  const expected = kinds ? kinds.join(", ") : "the name of a viewer";
  return declared
    .filter(({ name }) => !isKnown(name))
    .map(({ name, location }) => ({
      code: "UNKNOWN_VIEWER",
      message: `unknown viewer "${name}": expected ${expected}; separate several with commas`,
      location,
    }));
}
