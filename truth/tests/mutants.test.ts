import assert from "node:assert/strict";
import { test } from "node:test";
import { type Mutant, mutants } from "../src/mutants.ts";
import { alice, bob, execute, HASKELL, RUST } from "./fixtures.ts";

/** For each mutant, an operation whose result differs from the reference. */
const telling: Record<Mutant, { text: string; viewer?: typeof bob }> = {
  "alias-replaces-key": { text: `{ course(id: "${RUST}") { teacher { id: name role } } }` },
  "include-lost": { text: "{ courses { ... @include(if: false) { totalCount } __typename } }" },
  "default-lost": {
    text: "query ($first: Int = 1) { courses(first: $first) { nodes { title } } }",
  },
  "dangling-nulls-parent": { text: `{ course(id: "${HASKELL}") { title teacher { name } } }` },
  "empty-selection-null": { text: "{ courses { totalCount @skip(if: true) } }" },
  "parallel-mutations": {
    text: `mutation {
      updateCourse(input: { courseId: "${RUST}", title: "Rust 2" }) { course { teacher { courses { nodes { title } } } } }
      again: updateCourse(input: { courseId: "${RUST}", title: "Rust 3" }) { course { title } }
    }`,
    viewer: alice,
  },
  "page-off-by-one": { text: "{ courses(first: 1) { nodes { title } } }" },
  "filter-ignored": {
    text: `{ me { enrollments(status: COMPLETED) { totalCount } } }`,
    viewer: bob,
  },
  "permission-forgotten": { text: `{ course(id: "${RUST}") { enrollments { totalCount } } }` },
  "merge-lost": { text: "{ courses { nodes { title } nodes { level } } }" },
};

for (const mutant of Object.keys(mutants) as Mutant[]) {
  test(`the mutant ${mutant} gives a wrong result`, async () => {
    const { text, viewer } = telling[mutant];
    const question = viewer ? { viewer } : {};

    const right = await execute(text, question);
    const wrong = await execute(text, { ...question, mutant });

    assert.notDeepEqual([wrong.data, wrong.errors], [right.data, right.errors]);
  });
}
