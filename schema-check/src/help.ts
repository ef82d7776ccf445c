// The help of each command, apart from the commands: it is printed without loading them.

export interface HelpText {
  summary: string;
  usage: string;
  /** More about its options. */
  details?: string;
}

const FORMATS = "terminal, markdown, json, junit, github, sarif";

export const helpTexts: Record<string, HelpText> = {
  check: {
    summary: "compare the graph with a baseline: what breaks, and which operations",
    usage: `check [--against COMMIT|FILE|URL [--header 'NAME: VALUE']…] [--config supergraph.yaml]
      [--operations FOLDER|MANIFEST|none]… [--counts FILE]
      [--traffic FILE… [--traffic-days N] [--traffic-min REQUESTS] [--traffic-percent P]] [--permissions FILE] [--rules FILE] [--lint added|all]
      [--approvals FILE] [--lyceum PROGRAM] [--format NAME] [--write NAME=FILE]…`,
    details: `  Default for --config: supergraph.yaml here, or the only one in the repository; for --operations: operations/,
  here or beside it. Documents are .graphql files and templates in TypeScript and JavaScript.
  Default for --against: the remote's default branch. If HEAD is already merged into it: HEAD when files
  that the check reads have uncommitted changes, otherwise the previous commit.
  A branch or commit is compared at its merge base with HEAD, so later changes by others do not count.
  --lint: whether lint looks at what the change adds (the default) or at all of the graph.
  --counts: JSON, number of requests by operation name or id; an operation with 0 requests is not in use.
  --traffic: requests that the router has counted (docs/graph-usage.md). A break is one if a client has used it in the
  last N days (30), in at least so many requests (1) and P per cent of all (0); the report names the clients.
  --lyceum (LYCEUM_PROGRAM; otherwise in PATH, or in a node_modules/.bin from here upwards): path of \`lyceum\` or
  \`lyceum-planner\`, which plans the operations.
  Formats: ${FORMATS}. --format sets what is printed; --write can be repeated.`,
  },
  approve: {
    summary: "approve one breaking change or access change, so that it no longer fails the check",
    usage: `approve --change 'KIND PATH' --reason TEXT --author NAME [the comparison options of check]`,
    details: `  KIND PATH as the check prints it, such as 'FIELD_REMOVED Course.title'. Stale approvals, and approvals
  that were merged before, are removed from the file at the same time.`,
  },
  diff: {
    summary: "list the changes between two states of the graph",
    usage: `diff A [B] [--config supergraph.yaml] [--header 'NAME: VALUE']… [--format NAME] [--out FILE]`,
    details: `  A and B: a commit, branch or tag; a supergraph.yaml, a supergraph or an API schema; the URL of a running graph.
  Without B, A is compared with the working tree. A commit is that commit itself, not its merge base.
  Formats: terminal, markdown, html, json.`,
  },
  changelog: {
    summary: "write what each commit or release changed in the graph, as Markdown",
    usage:
      "changelog [--by commit|release] [--since COMMIT] [--until COMMIT] [--config supergraph.yaml] [--out FILE [--check]]",
    details: `  --by commit: commits of the branch that changed a schema, a merge as one. --by release: tags.
  --check: fails if FILE is not what would be written up to the newest commit in it.`,
  },
  usage: {
    summary: "list what nobody has used, and what is deprecated and still used, by whom",
    usage: `usage --traffic FILE… [--days N] [--schema FILE|--config supergraph.yaml] [--today DAY]
      [--format terminal|markdown|json] [--out FILE]`,
    details: `  --traffic: a file of counted requests, or a folder of such files; several are added up.
  --days: how far back to look (30).`,
  },
  manifest: {
    summary:
      "write the list of persisted documents that the router serves (`lyceum up --safelist`)",
    usage: "manifest [--operations operations] [--out FILE]",
  },
  compose: {
    summary: "compose the subgraphs into the supergraph and the API schema",
    usage: "compose [--config supergraph.yaml] [--out FILE] [--api-out FILE] [--check]",
    details: `  Each contract of contracts.yaml, beside the list of subgraphs, has a supergraph of its own: beside --out FILE.graphql,
  FILE.NAME.graphql.`,
  },
  filter: {
    summary: "hide parts of a supergraph by @tag, for others: a contract",
    usage: "filter [SUPERGRAPH] (--contract NAME | [--include TAG]… [--exclude TAG]…) [--out FILE]",
    details: `  SUPERGRAPH: supergraph.graphql, if none is named. --contract: one of contracts.yaml beside it.
  --exclude hides what has the tag; --include hides each field and union that has none of these tags. Types that nothing
  visible leads to are hidden, too. What is hidden is @inaccessible in the supergraph that is written.`,
  },
  "cross-check": {
    summary: "compose with a second composer and compare the results",
    usage: "cross-check [--config supergraph.yaml]",
  },
  contract: {
    summary: "check a schema against the API contract published to clients",
    usage: "contract --contract FILE --schema FILE [--missing-allowed FILE]",
  },
  permissions: {
    summary: "check the permissions against the schema, and generate their documentation page",
    usage: "permissions --data FILE --schema FILE [--config supergraph.yaml] [--out FILE]",
  },
};
