// Cursors are taken from answers: once, before the run, so that what it asks does not depend on its own course.

import { parse } from "graphql";
import type { Cursors } from "./cursors.ts";
import type { Viewer } from "./permissions.ts";
import type { System } from "./systems.ts";

const edges = "edges { cursor node { id } }";
const LISTS: Record<string, string> = {
  course: `{ list: courses(first: 40) { ${edges} } more: courses(first: 40, orderBy: OLDEST) { ${edges} } }`,
  enrollment: `{ list: enrollments(first: 60) { ${edges} } own: me { list: enrollments(first: 20) { ${edges} } } }`,
  payment: `{ list: payments(first: 60) { ${edges} } own: me { list: payments(first: 20) { ${edges} } } }`,
  notification: `{ own: me { list: notifications(first: 40) { ${edges} } } }`,
  user: `{ list: unverifiedTeachers(first: 20) { ${edges} } }`,
};

interface List {
  edges: { cursor: string; node: { id: string } }[];
}

export async function harvest(system: System, viewers: Viewer[], cursors: Cursors): Promise<void> {
  for (const [noun, text] of Object.entries(LISTS)) {
    for (const viewer of viewers) {
      const operation = { document: parse(text), variables: {}, operationName: undefined, viewer };
      const { data } = await system.ask(operation, "post");
      for (const { cursor, node } of listsIn(data).flatMap((list) => list.edges))
        if (!cursors.learn(`${noun} ${node.id}`, cursor))
          throw new Error(`the ${noun} ${node.id} has two cursors, or shares its own`);
    }
  }
}

function listsIn(value: unknown): List[] {
  if (typeof value !== "object" || value === null) return [];
  if ("edges" in value) return [value as List];
  return Object.values(value).flatMap(listsIn);
}
