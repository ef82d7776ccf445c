// The layouts in which common clients keep their documents.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { loadOperations } from "../src/operations.ts";
import { CouldNotRun } from "../src/problem.ts";
import { Repository } from "./repository.ts";
import { run } from "./support.ts";

const MINUTES: [string, string, string] = [
  "catalog.graphql",
  '  "How long."\n  minutes: Int\n',
  "",
];

/** A repository whose documents are these files alone. */
function client(files: Record<string, string>): Repository {
  const repository = new Repository();
  rmSync(repository.path("operations"), { recursive: true });
  for (const [file, text] of Object.entries(files)) repository.write(file, text);
  return repository.commit("A client");
}

async function usersOfMinutes(repository: Repository, folder = "src"): Promise<string[]> {
  repository.replace(...MINUTES);
  const where = ["--operations", repository.path(folder)];
  const { findings } = await repository.report("--against", "HEAD", ...where);
  const [removed] = findings.filter(({ kind }) => kind === "FIELD_REMOVED");
  assert.equal(removed?.severity, "error");
  const invalid = findings.filter(({ kind }) => kind === "INVALID_OPERATION");
  for (const { location } of invalid) {
    const { file = "", line = 0 } = location ?? {};
    const text = repository.read(file.slice(file.lastIndexOf("src/"))).split("\n")[line - 1];
    assert.match(text ?? "", /minutes/, `${file}:${line}`);
  }
  assert.ok(invalid.length > 0);
  return removed?.affected.map(({ name }) => name) ?? [];
}

const SEARCH = "search(text: $text) { ...FilmCard }";
const CARD = "fragment FilmCard on Film {\n  title\n  minutes\n}\n";

test("fragments in files of their own, found by their name", async () => {
  const repository = client({
    "src/Search.graphql": `query Search($text: String!) { ${SEARCH} }\n`,
    "src/cards/FilmCard.graphql": CARD,
    "src/cards/Unused.graphql": "fragment Unused on Film { id }",
  });

  assert.deepEqual(await usersOfMinutes(repository), ["Search"]);
});

test("operations in one file are documents of their own", async () => {
  const repository = client({
    "src/films.graphql": `query One { today { id } }\nquery Search($text: String!) { ${SEARCH} }\n${CARD}`,
  });

  assert.deepEqual(await usersOfMinutes(repository), ["Search"]);
  assert.deepEqual(
    loadOperations(repository.path("src")).map(({ name, location }) => [name, location.line]),
    [
      ["One", 1],
      ["Search", 2],
    ],
  );
});

test("#import decides between fragments of the same name, through several files", async () => {
  const repository = client({
    "src/a/Search.graphql": `#import "./cards.graphql"\nquery Search($text: String!) { ${SEARCH} }\n`,
    "src/a/cards.graphql": '# import FilmCard from "../b/film.graphql"\n',
    "src/b/film.graphql": CARD,
    "src/c/film.graphql": "fragment FilmCard on Film { title }",
  });

  assert.deepEqual(await usersOfMinutes(repository), ["Search"]);
});

test("a fragment that is defined in several ways, without an import, is an error", () => {
  const repository = client({
    "src/Search.graphql": `query Search($text: String!) { ${SEARCH} }`,
    "src/b/film.graphql": CARD,
    "src/c/film.graphql": "fragment FilmCard on Film { title }",
  });

  assert.throws(
    () => loadOperations(repository.path("src")),
    (cause: unknown) => {
      assert.ok(cause instanceof CouldNotRun);
      assert.match(cause.message, /AMBIGUOUS_FRAGMENT.*b\/film\.graphql, .*c\/film\.graphql/);
      return true;
    },
  );
});

const TSX = (tag: string) => `import React from "react";
${tag.startsWith("import") ? tag.split("\n")[0] : ""}

export function Films({ text }: { text: string }) {
  return <Query<Films> query={FILMS} variables={{ text }} />;
}
`;

for (const [what, code] of [
  [
    "Apollo's gql",
    `${TSX('import { gql } from "@apollo/client";')}
export const FILMS = gql\`
  query Films($text: String!) {
    search(text: $text) {
      ... on Film {
        minutes
      }
    }
  }
\`;
`,
  ],
  [
    "Relay's graphql",
    `${TSX('import { graphql } from "react-relay";')}
export const FILMS = graphql\`
  query Films($text: String!) {
    search(text: $text) {
      ... on Film @required(action: NONE) {
        minutes
      }
    }
  }
\`;
`,
  ],
  [
    "graphql() of the client preset",
    `${TSX('import { graphql } from "../gql";')}
export const FILMS = graphql(\`
  query Films($text: String!) {
    search(text: $text) {
      ... on Film {
        minutes
      }
    }
  }
\`);
`,
  ],
  [
    "a comment",
    `${TSX("")}
export const FILMS = /* GraphQL */ \`
  query Films($text: String!) {
    search(text: $text) {
      ... on Film {
        minutes
      }
    }
  }
\`;
`,
  ],
] as const) {
  test(`a template in .tsx: ${what}`, async () => {
    assert.deepEqual(await usersOfMinutes(client({ "src/pages/Films.tsx": code })), ["Films"]);
  });
}

test("a fragment in another module, interpolated", async () => {
  const repository = client({
    "src/card.ts": `import gql from "graphql-tag";\nexport const CARD = gql\`\n${CARD}\`;\n`,
    "src/films.ts": `import gql from "graphql-tag";
import { CARD } from "./card";
export const FILMS = gql\`
  query Films($text: String!) { ${SEARCH} }
  \${CARD}
\`;
`,
  });

  assert.deepEqual(await usersOfMinutes(repository), ["Films"]);
});

test("directives and arguments of Relay are none of the server's, and @client fields are not sent", async () => {
  const repository = client({
    "src/Films.graphql": `query Films($text: String!) {
  search(text: $text) { ...Card @arguments(by: 2) }
  today { id isOpen @client }
}
fragment Card on Film @argumentDefinitions(by: { type: "Int", defaultValue: 1 }) {
  title @upper(by: $by)
  minutes
}
`,
  });
  repository.replace(...MINUTES);
  const where = ["--operations", repository.path("src")];

  const { findings } = await repository.report("--against", "HEAD", ...where);

  assert.deepEqual(
    findings.map(({ kind, message }) => `${kind}: ${message.slice(0, 26)}`),
    ["FIELD_REMOVED: Field 'minutes' was remove", 'INVALID_OPERATION: Cannot query field "minute'],
  );
  const [operation] = loadOperations(repository.path("src"));
  assert.doesNotMatch(operation?.text ?? "", /@arg|@client|isOpen/);
});

test("what is installed, generated or a schema is no document", async () => {
  const repository = client({
    "src/Films.graphql":
      "query Films($text: String!) { search(text: $text) { ... on Film { minutes } } }",
    "src/schema.graphql": "type Query { a: Int }",
    "src/empty.graphql": "# Nothing yet.\n",
    "src/node_modules/other/Films.graphql": "query Other { minutes }",
    "src/__generated__/Films.graphql": "query Again { minutes }",
    "src/types.d.ts":
      "declare const gql: (text: TemplateStringsArray) => string; gql`query No { a }`",
  });

  assert.deepEqual(await usersOfMinutes(repository), ["Films"]);
});

test("code that cannot be read, and a template that is no document, are reported with their line", () => {
  for (const [code, expected] of [
    [
      "import { gql } from '@apollo/client';\nconst a = gql`{ a }`;\nconst = 1;\n",
      /a\.ts:3:\d+.*UNREADABLE_CODE/,
    ],
    [
      "import { gql } from '@apollo/client';\nconst a = gql`\n  query A {\n    a(\n  }`;\n",
      /a\.ts:5:3.*SYNTAX_ERROR/,
    ],
  ] as const) {
    const repository = client({ "src/a.ts": code });
    assert.throws(() => loadOperations(repository.path("src")), expected);
  }
});

test("several folders and a manifest together", async () => {
  const repository = client({
    "web/A.graphql": "query A { today { ...Card } }",
    "shared/card.graphql": "fragment Card on Book { id }",
    "manifest.json": JSON.stringify({ b: "query B { today { title } }" }),
  });
  const where = ["web", "shared", "manifest.json"].flatMap((place) => [
    "--operations",
    repository.path(place),
  ]);

  const { operations, code, findings } = await repository.report("--against", "HEAD", ...where);

  assert.equal(code, 0);
  assert.deepEqual(findings, []);
  assert.equal(operations, 2);
});

// No operations at all.

test("no folder of operations, an empty one, or none wanted: a plain check of the schema, which says so", async () => {
  const repository = client({ "empty/README.md": "Nothing yet." });
  repository.replace(...MINUTES);

  for (const where of [[], ["--operations", "empty"], ["--operations", "none"]]) {
    const { code, stdout } = await repository.inside(
      ...["check", "--against", "HEAD", "--rules", "rules.yaml", ...where],
    );

    assert.equal(code, 1, stdout);
    assert.match(stdout, /✗ breaking FIELD_REMOVED Film\.minutes/);
    assert.match(stdout, /No operation was looked at.*every breaking change counts/);
  }
});

test("operations that were all removed are still sent", async () => {
  const repository = new Repository();
  for (const name of ["Search", "BookPage"]) rmSync(repository.path(`operations/${name}.graphql`));
  repository.replace(...MINUTES);

  const { findings } = await repository.report("--against", "HEAD");

  assert.deepEqual(
    findings[0]?.affected.map(({ name }) => name),
    ["Search"],
  );
});

// Line ends.

test("with core.autocrlf each document counts once, and has the same id", async () => {
  const repository = new Repository();
  const manifest = () => run("manifest", "--operations", repository.path("operations"));
  const before = await manifest();
  repository.git("config", "core.autocrlf", "true");
  rmSync(repository.path("operations"), { recursive: true });
  repository.git("checkout", "--", "operations");
  assert.match(repository.read("operations/Search.graphql"), /\r\n/);

  assert.deepEqual(await manifest(), before);
  const { operations, findings } = await repository.report("--against", "HEAD");
  assert.equal(operations, 9);
  assert.deepEqual(findings, []);
});
