// Who may see what: docs/permissions.json, and nothing of what the services make of it.

import { readFileSync } from "node:fs";

export type ViewerName =
  | "anonymous"
  | "student"
  | "otherStudent"
  | "owningTeacher"
  | "otherTeacher"
  | "unverifiedTeacher"
  | "admin";

/** Who asks. */
export interface Viewer {
  name: ViewerName;
  /** Nobody's, for the anonymous. */
  id: string | null;
  role: "STUDENT" | "TEACHER" | "ADMIN" | null;
  isVerified: boolean;
}

interface Rule {
  allowed: string[];
  otherwise?: string;
  anonymous?: string;
}

interface Field {
  subgraph: string;
  who: string;
  /** Who may see it of an object that comes from these mutations. */
  through?: Record<string, string>;
}

interface File {
  viewers: Record<ViewerName, string>;
  rules: Record<string, Rule>;
  types: Record<string, { owner: string }>;
  fields: Record<string, Field>;
}

export type Outcome = "allowed" | "null" | "FORBIDDEN" | "UNAUTHENTICATED";

export class Permissions {
  readonly #file: File;
  /** Fields that let everyone in although the table does not: the mutant of a permission that was forgotten. */
  readonly #forgotten: ReadonlySet<string>;

  constructor(path: string | URL, forgotten: readonly string[] = []) {
    this.#file = JSON.parse(readFileSync(path, "utf8"));
    this.#forgotten = new Set(forgotten);
  }

  get viewers(): ViewerName[] {
    return Object.keys(this.#file.viewers) as ViewerName[];
  }

  subgraphOf(coordinate: string): string {
    return this.#row(coordinate).subgraph;
  }

  /** Of what an owner is, such as `owningTeacher` of a course. */
  ownerOf(type: string): string | undefined {
    return this.#file.types[type]?.owner;
  }

  /**
   * @param owner whose the object is; undefined where there is no object that somebody could own
   * @param through the mutation that the object comes from, where that makes a difference
   */
  outcome(coordinate: string, viewer: Viewer, owner?: string, through = ""): Outcome {
    const { who, through: exceptions } = this.#row(coordinate);
    const rule = this.#file.rules[exceptions?.[through] ?? who];
    if (!rule) throw new Error(`${coordinate} has an unknown rule`);
    if (this.#forgotten.has(coordinate)) return "allowed";
    if (rule.allowed.some((kind) => isOfKind(kind, viewer, owner, rule))) return "allowed";
    const otherwise = (viewer.id === null ? rule.anonymous : undefined) ?? rule.otherwise;
    if (otherwise === "null" || otherwise === "FORBIDDEN" || otherwise === "UNAUTHENTICATED")
      return otherwise;
    throw new Error(`${coordinate} does not say what everyone else gets`);
  }

  #row(coordinate: string) {
    const row = this.#file.fields[coordinate];
    if (!row) throw new Error(`docs/permissions.json has no row ${coordinate}`);
    return row;
  }
}

/** Whether a viewer is one of those whom a rule names. */
function isOfKind(
  kind: string,
  viewer: Viewer,
  owner: string | undefined,
  { allowed }: Rule,
): boolean {
  switch (kind) {
    case "everyone":
      return true;
    case "signed in":
      return viewer.id !== null;
    case "owner":
      return owner !== undefined && viewer.id === owner;
    case "admin":
      return viewer.role === "ADMIN";
    // Which of the two a person is depends on the object. A rule that names both means the role. One that names the
    // first alone means whoever has a part in the object, which the rows say.
    case "student":
    case "otherStudent":
      return allowed.includes("otherStudent") ? viewer.role === "STUDENT" : viewer.id !== null;
    case "owningTeacher":
    case "otherTeacher":
      return viewer.role === "TEACHER" && viewer.isVerified;
    default:
      throw new Error(`a rule of docs/permissions.json names somebody unknown: ${kind}`);
  }
}
