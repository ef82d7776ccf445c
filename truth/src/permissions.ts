// Evaluates docs/permissions.json, independently of how the subgraphs implement it.

import { readFileSync } from "node:fs";

export type ViewerName =
  | "anonymous"
  | "student"
  | "otherStudent"
  | "owningTeacher"
  | "otherTeacher"
  | "unverifiedTeacher"
  | "admin";

export interface Viewer {
  name: ViewerName;
  /** Null for the anonymous viewer. */
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
  /** Other rules for objects that these mutations return. */
  through?: Record<string, string>;
}

interface File {
  viewers: Record<ViewerName, string>;
  rules: Record<string, Rule>;
  types: Record<string, { owner: string; entities: Record<string, string> }>;
  fields: Record<string, Field>;
}

export type Outcome = "allowed" | "null" | "FORBIDDEN" | "UNAUTHENTICATED";

export class Permissions {
  readonly #file: File;
  /** Fields that are public despite the file, for the mutant `permission-forgotten`. */
  readonly #unrestricted: ReadonlySet<string>;

  constructor(path: string | URL, unrestricted: readonly string[] = []) {
    this.#file = JSON.parse(readFileSync(path, "utf8"));
    this.#unrestricted = new Set(unrestricted);
  }

  get viewers(): ViewerName[] {
    return Object.keys(this.#file.viewers) as ViewerName[];
  }

  subgraphOf(coordinate: string): string {
    return this.#row(coordinate).subgraph;
  }

  /** The viewer that owns objects of a type, such as `owningTeacher`. */
  ownerOf(type: string): string | undefined {
    return this.#file.types[type]?.owner;
  }

  /**
   * @param owner the owner of the object; undefined when there is none
   * @param through the mutation that returned the object, when it has a rule of its own
   */
  outcome(coordinate: string, viewer: Viewer, owner?: string, through = ""): Outcome {
    const { who, through: exceptions } = this.#row(coordinate);
    const rule = this.#file.rules[exceptions?.[through] ?? who];
    if (!rule) throw new Error(`${coordinate} has an unknown rule`);
    if (this.#unrestricted.has(coordinate)) return "allowed";
    if (rule.allowed.some((kind) => isInAudience(kind, viewer, owner, rule))) return "allowed";
    const otherwise = (viewer.id === null ? rule.anonymous : undefined) ?? rule.otherwise;
    if (otherwise === "null" || otherwise === "FORBIDDEN" || otherwise === "UNAUTHENTICATED")
      return otherwise;
    throw new Error(`${coordinate} has no result for everyone else`);
  }

  /** Whether the subgraph that owns a type resolves an object of it by its key for this viewer. */
  mayResolve(type: string, viewer: Viewer, owner: string | undefined): boolean {
    const rule =
      this.#file.rules[this.#file.types[type]?.entities[this.subgraphOf(`${type}.id`)] ?? ""];
    if (!rule) throw new Error(`${type} has no rule for its key`);
    return rule.allowed.some((kind) => isInAudience(kind, viewer, owner, rule));
  }

  #row(coordinate: string) {
    const row = this.#file.fields[coordinate];
    if (!row) throw new Error(`docs/permissions.json has no row ${coordinate}`);
    return row;
  }
}

/** Whether a viewer belongs to an audience of a rule. */
function isInAudience(
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
    // Which of the two a user is depends on the object. A rule that names both means the role. A rule that names
    // only the first means a user who is part of the object, which the rows tell.
    case "student":
    case "otherStudent":
      return allowed.includes("otherStudent") ? viewer.role === "STUDENT" : viewer.id !== null;
    case "owningTeacher":
    case "otherTeacher":
      return viewer.role === "TEACHER" && viewer.isVerified;
    case "unverifiedTeacher":
      return viewer.role === "TEACHER" && !viewer.isVerified;
    default:
      throw new Error(`a rule of docs/permissions.json has an unknown audience: ${kind}`);
  }
}
