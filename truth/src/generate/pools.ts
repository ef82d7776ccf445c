// Values that match the data: existing and deleted ids, cursors, words.

import type { Cursors } from "../cursors.ts";
import type { Viewer } from "../permissions.ts";
import type { Random } from "../random.ts";
import type { Row, Tables, TypeName } from "../rows.ts";
import { emails, PASSWORD } from "../viewers.ts";

/** For an admin, unverified teachers count as own. */
function isOwn(row: object, { id, role }: Viewer): boolean {
  if (role === "ADMIN" && "role" in row && row.role === "TEACHER") return true;
  return id !== null && Object.values(row).includes(id);
}

/** Strings that are certainly not cursors. (A modified cursor could be another row's.) */
const INVALID_CURSORS = ["", "?", "abc", "Y291cnNl"];
const INVALID_IDS = [
  "",
  "x",
  "1",
  "01942bcb-8870-78a2-937a",
  "01942bcb-8870-78a2-937a-c3770a0d64aez",
];
const UNKNOWN_ID = "01940000-0000-7000-8000-000000000000";
const SEARCHES = [
  "a",
  "the",
  "SPANISH",
  "100%_off",
  "%",
  "_",
  "\\",
  "🎓",
  'quote "',
  "zzz",
  "",
  "é",
  "a\0b",
];
const TITLES = [
  "Truth",
  "More Truth",
  "True or Not",
  "100%",
  "t\"i'tle \\ {x}",
  "🎓",
  "id",
  "",
  "  ",
  "x".repeat(501),
  "a\0b",
];
const NAMES = ["Truth", "🎓", "", " ", "x".repeat(256), "a\0b"];
const EMAILS = [
  ...Object.values(emails),
  "STUDENT1@Lyceum.Example",
  "nobody@lyceum.example",
  "nobody",
  "",
];
const PASSWORDS = [PASSWORD, PASSWORD, "wrong-password", "short", "", "x".repeat(129)];
const AMOUNTS = [
  "49.99",
  "9.9",
  "12",
  "0.01",
  "0",
  "-1",
  "1.001",
  "7.000",
  "1.5.0",
  "10,50",
  "10.00 ",
  "19.999999999999999999999999999999",
  "10000000000",
];

export class ValuePools {
  readonly #rows: { [T in TypeName]: Row[T][] };
  readonly #cursors: Cursors;
  readonly #deleted: Record<TypeName, string[]>;

  constructor(tables: Tables, cursors: Cursors) {
    const sorted = <T extends TypeName>(type: T) =>
      (tables[type].all() as Row[T][]).sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#rows = {
      User: sorted("User"),
      Course: sorted("Course"),
      Enrollment: sorted("Enrollment"),
      Payment: sorted("Payment"),
      Notification: sorted("Notification"),
    };
    this.#cursors = cursors;
    const missing = (type: TypeName, ids: (string | null)[]) =>
      [...new Set(ids)].filter((id): id is string => id !== null && !tables[type].find(id)).sort();
    const { Course, Enrollment, Payment } = this.#rows;
    const users = [
      ...Enrollment.map((row) => row.studentId),
      ...Course.map((row) => row.teacherId),
    ];
    this.#deleted = {
      User: missing("User", users),
      Course: missing(
        "Course",
        [...Enrollment, ...Payment].map((row) => row.courseId),
      ),
      Payment: missing(
        "Payment",
        Enrollment.map((row) => row.paymentId),
      ),
      Enrollment: missing("Enrollment", [...tables.purchases.values()]),
      Notification: [],
    };
  }

  /** @param isMutation prefers own objects, since mutations of others' objects are usually denied */
  id(random: Random, type: TypeName, viewer: Viewer, isMutation: boolean): string {
    const rows: { id: string }[] = this.#rows[type];
    const own = rows.filter((row) => isOwn(row, viewer));
    const deleted = this.#deleted[type];
    const kind = random.weighted({
      own: isMutation ? 200 : 55,
      any: 25,
      deleted: 10,
      unknown: 4,
      broken: 3,
      respelled: 3,
    });
    if (kind === "own" && own.length > 0) return random.pick(own).id;
    if (kind === "deleted" && deleted.length > 0) return random.pick(deleted);
    if (kind === "unknown" || rows.length === 0) return UNKNOWN_ID;
    if (kind === "broken") return random.pick(INVALID_IDS);
    const { id } = random.pick(rows);
    if (kind !== "respelled") return id;
    return random.chance(0.5) ? id.toUpperCase() : id.replaceAll("-", "");
  }

  cursor(random: Random, type: TypeName): string {
    const cursors = this.#cursors.all(type.toLowerCase());
    const others = this.#cursors.all(type === "Course" ? "payment" : "course");
    const kind = random.weighted({ good: 88, foreign: 5, broken: 5, longer: 2 });
    if (kind === "foreign" && others.length > 0) return random.pick(others);
    if (kind === "broken" || cursors.length === 0) return random.pick(INVALID_CURSORS);
    return kind === "longer" ? `${random.pick(cursors)}AAAA` : random.pick(cursors);
  }

  string(random: Random, name: string): string {
    switch (name) {
      case "search":
        return random.chance(0.5) ? random.pick(SEARCHES) : this.#titleWord(random);
      case "words":
        return random.chance(0.3)
          ? random.pick(SEARCHES)
          : `${this.#titleWord(random)}  ${this.#titleWord(random)}`;
      case "reason":
        return random.pick(["", " \n", "Copied.", "x".repeat(2001), "a\0b"]);
      case "title":
        return random.pick(TITLES);
      case "description":
        return random.pick(["", 'About\n\tit "all"', "🎓"]);
      case "name":
        return random.pick(NAMES);
      case "email":
        return random.pick(EMAILS);
      case "password":
        return random.pick(PASSWORDS);
      case "idempotencyKey":
        return random.pick(["", "k".repeat(256), "key"]);
      default:
        return `truth-${random.below(1000)}`;
    }
  }

  decimal(random: Random): string {
    return random.pick(AMOUNTS);
  }

  #titleWord(random: Random): string {
    const words = random.pick(this.#rows.Course).title.match(/[a-z]{2,}/gi) ?? ["a"];
    const found = random.pick(words);
    return random.chance(0.5) ? found.toUpperCase() : found;
  }
}
