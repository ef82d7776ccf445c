import assert from "node:assert/strict";
import { test } from "node:test";
import { alice, BOBS_RUST, bob, execute, HASKELL, OLDER_NOTIFICATION, RUST } from "./fixtures.ts";

test("permissions follow docs/permissions.json", async () => {
  const students = `{ course(id: "${RUST}") { title enrollments { totalCount } } }`;

  const seen = await execute(students, { viewer: alice });
  const refused = await execute(students, { viewer: bob });

  assert.deepEqual(seen.data, { course: { title: "Rust", enrollments: { totalCount: 1 } } });
  assert.deepEqual(refused.data, { course: { title: "Rust", enrollments: null } });
  assert.deepEqual(refused.errors, [{ code: "FORBIDDEN", path: ["course", "enrollments"] }]);
});

test("a dangling reference is null if a field of its owner is selected, and a stub otherwise", async () => {
  const course = (selection: string) =>
    execute(`{ course(id: "${HASKELL}") { title teacher { ${selection} } } }`);

  assert.deepEqual((await course("id name")).data, { course: { title: "Haskell", teacher: null } });
  const byKey = (await course("courses { totalCount }")).data;
  assert.deepEqual(byKey, {
    course: { title: "Haskell", teacher: { courses: { totalCount: 1 } } },
  });
});

test("pages are newest first, and know whether there are more", async () => {
  const page = (args: string) =>
    execute(
      `{ courses(${args}) { nodes { title } pageInfo { hasNextPage hasPreviousPage } totalCount } }`,
    );

  assert.deepEqual((await page("first: 1")).data, {
    courses: {
      nodes: [{ title: "Haskell" }],
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
      totalCount: 2,
    },
  });
  assert.deepEqual((await page("last: 1")).data, {
    courses: {
      nodes: [{ title: "Rust" }],
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
      totalCount: 2,
    },
  });
  for (const arguments_ of ["first: 0", "last: 0"]) {
    const empty = (await page(arguments_)).data as { courses: { nodes: []; totalCount: number } };
    assert.deepEqual([empty.courses.nodes, empty.courses.totalCount], [[], 2]);
  }
  assert.deepEqual((await page("first: -1")).errors, [
    { code: "BAD_USER_INPUT", path: ["courses"] },
  ]);
});

test("a later mutation sees what an earlier one did", async () => {
  const { data, changes } = await execute(
    `mutation {
      a: setEnrollmentStatus(input: { enrollmentId: "${BOBS_RUST}", status: COMPLETED }) { enrollment { status } }
      b: setEnrollmentStatus(input: { enrollmentId: "${BOBS_RUST}", status: IN_PROGRESS }) { userErrors { code } }
    }`,
    { viewer: bob },
  );

  assert.deepEqual(data, {
    a: { enrollment: { status: "COMPLETED" } },
    b: { userErrors: [{ code: "INVALID_STATUS_TRANSITION" }] },
  });
  assert.deepEqual(changes, [`enrollments ${BOBS_RUST}: ["completed"]`]);
});

test("a user who signs in sees their own email address, and only there", async () => {
  const signIn = (password: string) =>
    execute(`mutation {
      login(input: { email: "Bob@Lyceum.example", password: "${password}" }) {
        session { tokenType } user { name email } userErrors { code }
      }
      again: login(input: { email: "alice@lyceum.example", password: "lyceum-sample" }) {
        user { courses { nodes { teacher { name email } } } }
      }
    }`);

  const { data } = await signIn("lyceum-sample");
  const refused = await signIn("wrong");

  assert.deepEqual(data, {
    login: {
      session: { tokenType: "Bearer" },
      user: { name: "Bob", email: "bob@lyceum.example" },
      userErrors: [],
    },
    again: { user: { courses: { nodes: [{ teacher: { name: "Alice", email: null } }] } } },
  });
  assert.deepEqual((refused.data as { login: unknown }).login, {
    session: null,
    user: null,
    userErrors: [{ code: "INVALID_CREDENTIALS" }],
  });
});

test("a notification leads to its subject", async () => {
  const { data } = await execute(
    `{ me { notifications { nodes { subject { __typename ... on Course { title } ... on Payment { amount } } } } } }`,
    { viewer: bob },
  );

  assert.deepEqual(data, {
    me: {
      notifications: {
        nodes: [{ subject: { __typename: "Course", title: "Rust" } }, { subject: null }],
      },
    },
  });
});

test("a node is an object of any type that its viewer may see", async () => {
  const document = `{
    node(id: "${RUST}") { __typename ... on Course { title } }
    other: node(id: "${RUST}") { ... on User { name } }
    nodes(ids: ["${BOBS_RUST}", "x", "${RUST}"]) { __typename }
  }`;

  const { data, errors } = await execute(document, { viewer: bob });
  const others = await execute(document, { viewer: alice });

  const course = { __typename: "Course", title: "Rust" };
  assert.deepEqual(data, {
    node: course,
    other: null,
    nodes: [{ __typename: "Enrollment" }, null, { __typename: "Course" }],
  });
  assert.deepEqual(errors, [{ code: "BAD_USER_INPUT", path: ["nodes", 1] }]);
  const nodes = [null, null, { __typename: "Course" }];
  assert.deepEqual(others.data, { node: course, other: null, nodes });
});

test("notifications are marked up to one of them, and deleted", async () => {
  const { data, changes } = await execute(
    `mutation {
      foreign: markAllNotificationsRead(upTo: "${BOBS_RUST}") { count userErrors { code field } }
      first: markAllNotificationsRead(upTo: "${OLDER_NOTIFICATION}") { count }
      read: deleteReadNotifications { count }
      again: deleteNotification(input: { notificationId: "${OLDER_NOTIFICATION}" }) {
        deletedNotificationId userErrors { code }
      }
    }`,
    { viewer: bob },
  );

  assert.deepEqual(data, {
    foreign: { count: 0, userErrors: [{ code: "NOT_FOUND", field: ["upTo"] }] },
    first: { count: 1 },
    read: { count: 1 },
    again: { deletedNotificationId: null, userErrors: [{ code: "NOT_FOUND" }] },
  });
  assert.deepEqual(changes, [`notifications ${OLDER_NOTIFICATION} deleted`]);
});
