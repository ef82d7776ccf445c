// Collects cursors once before the run, so that the generated operations do not depend on its progress.

import { parse } from "graphql";
import type { Cursors } from "./cursors.ts";
import type { Viewer } from "./permissions.ts";
import type { System } from "./systems.ts";

const edges = "edges { cursor node { id } }";
const QUERIES: Record<string, string> = {
  course: `{ list: courses(first: 40) { ${edges} } more: courses(first: 40, orderBy: OLDEST) { ${edges} } }`,
  enrollment: `{ list: enrollments(first: 60) { ${edges} } own: me { list: enrollments(first: 20) { ${edges} } } }`,
  payment: `{ list: payments(first: 60) { ${edges} } own: me { list: payments(first: 20) { ${edges} } } }`,
  notification: `{ own: me { list: notifications(first: 40) { ${edges} } } }`,
  user: `{ list: unverifiedTeachers(first: 20) { ${edges} } }`,
};

interface Connection {
  edges: { cursor: string; node: { id: string } }[];
}

export async function collectCursors(
  system: System,
  viewers: Viewer[],
  cursors: Cursors,
): Promise<void> {
  for (const [typeName, text] of Object.entries(QUERIES)) {
    for (const viewer of viewers) {
      const operation = { document: parse(text), variables: {}, operationName: undefined, viewer };
      const { data } = await system.send(operation, "post");
      for (const { cursor, node } of findConnections(data).flatMap((list) => list.edges))
        if (!cursors.record(`${typeName} ${node.id}`, cursor))
          throw new Error(`the ${typeName} ${node.id} has two cursors, or shares its own`);
    }
  }
}

function findConnections(value: unknown): Connection[] {
  if (typeof value !== "object" || value === null) return [];
  if ("edges" in value) return [value as Connection];
  return Object.values(value).flatMap(findConnections);
}
