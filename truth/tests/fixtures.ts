// A small data set for tests: alice is a teacher, bob a student, and carol was deleted.

import { readFileSync } from "node:fs";
import { buildSchema, parse } from "graphql";
import { Cursors } from "../src/cursors.ts";
import type { Mutant } from "../src/mutants.ts";
import { Permissions, type Viewer } from "../src/permissions.ts";
import { Reference } from "../src/reference.ts";
import { Table, type Tables } from "../src/rows.ts";
import { ANONYMOUS } from "../src/viewers.ts";

const id = (number: number) => `00000000-0000-7000-8000-${`${number}`.padStart(12, "0")}`;

export const ALICE = id(1);
export const BOB = id(2);
export const CAROL = id(3);
export const RUST = id(11);
export const HASKELL = id(12);
export const BOBS_RUST = id(21);
export const OLDER_NOTIFICATION = id(31);

export const schema = buildSchema(
  readFileSync(new URL("../../api.graphql", import.meta.url), "utf8"),
);
const PERMISSIONS = new URL("../../docs/permissions.json", import.meta.url);

export const alice: Viewer = {
  name: "owningTeacher",
  id: ALICE,
  role: "TEACHER",
  isVerified: true,
};
export const bob: Viewer = { name: "student", id: BOB, role: "STUDENT", isVerified: false };

export function tables(): Tables {
  const when = (time: number) => ({ time: BigInt(time), createdAt: `${time}` });
  const user = { isVerified: true, isSuspended: false, isEmailVerified: false, hasPassword: true };
  const course = {
    description: "",
    isFree: true,
    price: null,
    durationMinutes: 0,
    level: "BEGINNER",
    state: "PUBLISHED",
    withdrawnByAdmin: false,
  };
  const notification = {
    userId: BOB,
    type: "PAYMENT",
    title: "Paid",
    body: "",
    isRead: false,
    subjectType: null,
    subjectId: null,
  };
  return {
    User: new Table([
      {
        ...user,
        id: ALICE,
        email: "alice@lyceum.example",
        name: "Alice",
        role: "TEACHER",
        ...when(1),
      },
      { ...user, id: BOB, email: "bob@lyceum.example", name: "Bob", role: "STUDENT", ...when(2) },
    ]),
    Course: new Table([
      { ...course, id: RUST, teacherId: ALICE, title: "Rust", ...when(1) },
      { ...course, id: HASKELL, teacherId: CAROL, title: "Haskell", ...when(2) },
    ]),
    Enrollment: new Table([
      {
        id: BOBS_RUST,
        studentId: BOB,
        courseId: RUST,
        paymentId: null,
        status: "ENROLLED",
        enrolledAt: "1",
        completedAt: null,
        time: 1n,
      },
    ]),
    Payment: new Table([]),
    Notification: new Table([
      { ...notification, id: OLDER_NOTIFICATION, ...when(1) },
      {
        ...notification,
        id: id(32),
        subjectType: "Course" as const,
        subjectId: RUST,
        ...when(2),
      },
    ]),
    purchases: new Map(),
    deletedNotifications: new Map(),
    disabledNotifications: new Set([`${BOB} ENROLLMENT`]),
    redemptions: new Map(),
    history: [],
  };
}

export function execute(
  text: string,
  { viewer = ANONYMOUS, mutant, variables = {} }: ExecuteOptions = {},
) {
  const permissions = new Permissions(
    PERMISSIONS,
    mutant === "permission-forgotten" ? ["Course.enrollments"] : [],
  );
  const referenceContext = {
    schema,
    permissions,
    tables: tables(),
    cursors: new Cursors(),
    mutant,
  };
  const operation = { document: parse(text), variables, operationName: undefined, viewer };
  return new Reference(referenceContext).execute(operation);
}

interface ExecuteOptions {
  viewer?: Viewer;
  mutant?: Mutant;
  variables?: Record<string, unknown>;
}
