// How each field of the graph is found in the rows.

import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getNamedType,
  isNonNullType,
} from "graphql";
import { collectFields, collectSubfields } from "graphql/execution/collectFields.js";
import { canonical, checkFormats } from "./formats.ts";
import { mutations } from "./mutations.ts";
import { type PageArguments, Pages } from "./pages.ts";
import type { Outcome, Viewer } from "./permissions.ts";
import type { World } from "./reference.ts";
import { refuse, Unpredictable } from "./refusal.ts";
import { copyOf, type Row, type Tables, type TypeName } from "./rows.ts";

/** What the fields of one operation share. */
export interface Context {
  world: World;
  viewer: Viewer;
  tables: Tables;
  /** How many rows were made: names them. */
  made: number;
}

type Arguments = Record<string, unknown>;
type Resolver = (source: never, args: Arguments, info: GraphQLResolveInfo) => unknown;

const MAX_SEARCH = 200;

const BY_ID: Record<string, TypeName> = {
  user: "User",
  course: "Course",
  enrollment: "Enrollment",
  payment: "Payment",
  notification: "Notification",
};

export class Execution {
  readonly context: Context;
  /** Where something deleted was pointed to. */
  readonly parentsOfDead = new Set<string>();
  hasDeadKeys = false;
  /** How many of a document's mutations have not been reached. */
  mutationsLeft = 0;
  readonly #payloads = new Map<string, unknown>();
  readonly #before: Execution | undefined;
  readonly #pages: Pages;

  /** @param before one that has taken effect already, whose payloads are to be looked at */
  constructor(world: World, viewer: Viewer, before?: Execution) {
    const tables = before?.context.tables ?? copyOf(world.tables);
    this.context = { world, viewer, tables, made: 0 };
    this.#before = before;
    this.#pages = new Pages(tables, world.cursors, world.mutant);
  }

  resolve(source: unknown, args: Arguments, info: GraphQLResolveInfo): unknown {
    const type = info.parentType.name;
    const name = info.fieldName;
    checkFormats(info.parentType.getFields()[name]?.args ?? [], args);
    if (type === "Mutation") return this.#mutate(args, info);
    const byId = type === "Query" ? BY_ID[name] : undefined;
    if (byId) return this.#byId(byId, name, args.id);

    const outcome = this.#outcome(type, name, source);
    if (outcome === "null") return null;
    if (outcome !== "allowed") throw refuse(outcome);
    const resolver = this.#resolvers[`${type}.${name}`];
    if (resolver) return resolver(source as never, args, info);
    return (source as Record<string, unknown>)[name] ?? null;
  }

  /** The rule of docs/permissions.json, for this field of this object. */
  #outcome(type: string, field: string, source: unknown): Outcome {
    const { permissions } = this.context.world;
    // Pages and payloads are as visible as what they come from.
    if (type !== "Query" && !permissions.ownerOf(type)) return "allowed";
    return permissions.outcome(
      `${type}.${field}`,
      this.context.viewer,
      this.#ownerOf(type, source),
      (source as { through?: string } | undefined)?.through,
    );
  }

  #ownerOf(type: string, source: unknown): string | undefined {
    if (typeof source !== "object" || source === null) return undefined;
    const { id } = source as { id: string };
    switch (type) {
      case "User":
        return id;
      case "Course":
        return (source as Partial<Row["Course"]>).teacherId;
      case "Enrollment":
        return (source as Partial<Row["Enrollment"]>).studentId;
      case "Payment":
        // Who paid is forgotten with the payment; who got a place for it is not.
        return (source as Partial<Row["Payment"]>).studentId ?? this.#bought(id)?.studentId;
      case "Notification":
        return (source as Partial<Row["Notification"]>).userId;
      default:
        return undefined;
    }
  }

  #mutate(args: Arguments, info: GraphQLResolveInfo): unknown {
    const at = `${info.path.key}`;
    const payloads = (this.#before ?? this).#payloads;
    if (!this.#before) payloads.set(at, this.#attempt(args, info));
    const { schema, fragments, variableValues, parentType, operation } = info;
    const all = collectFields(
      schema,
      fragments,
      variableValues,
      parentType,
      operation.selectionSet,
    );
    this.mutationsLeft = all.size - payloads.size;
    const payload = payloads.get(at);
    if (payload instanceof Error) throw payload;
    return payload;
  }

  #attempt({ input }: Arguments, info: GraphQLResolveInfo): unknown {
    const mutate = mutations[info.fieldName];
    if (!mutate) return new Unpredictable(info.fieldName);
    try {
      return mutate(this.context, (input ?? {}) as never);
    } catch (error) {
      return error;
    }
  }

  /** One of the objects that a query names by its id, for those who may see it. */
  #byId(type: TypeName, field: string, id: unknown) {
    const row = this.context.tables[type].find(canonical(id));
    const { permissions } = this.context.world;
    const owner = this.#ownerOf(type, row);
    const outcome = permissions.outcome(`Query.${field}`, this.context.viewer, owner);
    return row && outcome === "allowed" ? row : null;
  }

  /**
   * What a key points to.
   *
   * What is gone can still be named by its key, and services that know something by that key say so. It is null
   * as soon as its owner is asked for something that every object of its type has.
   */
  #edge(type: TypeName, id: string | null | undefined, info: GraphQLResolveInfo) {
    // What is gone does not say where it leads.
    if (id == null) return null;
    const selected = this.#selected(info);
    const { mutant, permissions } = this.context.world;
    if (mutant === "alias-replaces-key" && selected.some(renamesKey)) return null;
    const row = this.context.tables[type].find(id);
    if (row) return row;

    this.hasDeadKeys = true;
    this.parentsOfDead.add(pathOf(info.path.prev));
    const asker = permissions.subgraphOf(`${info.parentType.name}.${info.fieldName}`);
    const owner = permissions.subgraphOf(`${type}.id`);
    const fields = (getNamedType(info.returnType) as GraphQLObjectType).getFields();
    const isMissed = selected.some(({ name: { value: name } }) => {
      const field = fields[name];
      const isOwners =
        field && name !== "id" && permissions.subgraphOf(`${type}.${name}`) === owner;
      return isOwners && isNonNullType(field.type);
    });
    return isMissed && owner !== asker ? null : { id };
  }

  /** One field node for each key of the answer. */
  #selected({ schema, fragments, variableValues, fieldNodes, returnType }: GraphQLResolveInfo) {
    const type = getNamedType(returnType) as GraphQLObjectType;
    const fields = collectSubfields(schema, fragments, variableValues, type, fieldNodes);
    return [...fields.values()].flatMap(([node]) => node ?? []);
  }

  #bought(payment: string): Row["Enrollment"] | undefined {
    const id = this.context.tables.purchases.get(payment);
    const enrollment = id === undefined ? undefined : this.context.tables.Enrollment.find(id);
    return enrollment?.paymentId === payment ? enrollment : undefined;
  }

  #page<T extends TypeName>(
    type: T,
    args: Arguments,
    isListed: (row: Row[T]) => boolean,
    order: "NEWEST" | "OLDEST" = "NEWEST",
  ) {
    const { status } = args;
    const isIgnored = status == null || this.context.world.mutant === "filter-ignored";
    const hasStatus = (row: Row[T]) => isIgnored || (row as { status?: string }).status === status;
    const rows = this.context.tables[type].all() as Row[T][];
    const listed = rows.filter((row) => isListed(row) && hasStatus(row));
    return this.#pages.page(type, listed, args as PageArguments, order);
  }

  #courses({ filter, orderBy, ...args }: Arguments) {
    const { search, level, isFree, teacherId } = (filter ?? {}) as Record<string, never>;
    const text = search == null ? undefined : `${search}`.toLowerCase();
    // PostgreSQL has no place for the character NUL.
    if (text?.includes("\0")) throw refuse("BAD_USER_INPUT");
    if (search != null && [...`${search}`].length > MAX_SEARCH) throw refuse("BAD_USER_INPUT");
    const isListed = (course: Row["Course"]) =>
      (text === undefined ||
        course.title.toLowerCase().includes(text) ||
        course.description.toLowerCase().includes(text)) &&
      (level == null || course.level === level) &&
      (isFree == null || course.isFree === isFree) &&
      (teacherId == null || course.teacherId === canonical(teacherId));
    return this.#page("Course", args, isListed, orderBy as "NEWEST" | "OLDEST");
  }

  #unread(user: string): Row["Notification"][] {
    return this.context.tables.Notification.all().filter(
      (row) => row.userId === user && !row.isRead,
    );
  }

  /** The fields that are more than a column or a member of their object. */
  readonly #resolvers: Record<string, Resolver> = {
    "Query.me": () => this.context.tables.User.find(this.context.viewer.id ?? "") ?? null,
    "Query.courses": (_, args) => this.#courses(args),
    "Query.enrollments": (_, args) => this.#page("Enrollment", args, () => true),
    "Query.payments": (_, args) => this.#page("Payment", args, () => true),
    "Query.unverifiedTeachers": (_, args) =>
      this.#page("User", args, (user) => user.role === "TEACHER" && !user.isVerified, "OLDEST"),

    "User.isVerified": (user: Row["User"]) => user.role === "TEACHER" && user.isVerified,
    "User.courses": ({ id }: Row["User"], args) =>
      this.#page("Course", args, (course) => course.teacherId === id),
    "User.enrollments": ({ id }: Row["User"], args) =>
      this.#page("Enrollment", args, (enrollment) => enrollment.studentId === id),
    "User.payments": ({ id }: Row["User"], args) =>
      this.#page("Payment", args, (payment) => payment.studentId === id),
    "User.notifications": ({ id }: Row["User"], args) =>
      this.#page(
        "Notification",
        args,
        (row) => row.userId === id && !(args.unreadOnly && row.isRead),
      ),
    "User.unreadNotificationCount": ({ id }: Row["User"]) => this.#unread(id).length,

    "Course.teacher": (course: Row["Course"], _, info) =>
      this.#edge("User", course.teacherId, info),
    "Course.enrollmentCount": ({ id }: Row["Course"]) =>
      this.context.tables.Enrollment.all().filter((row) => row.courseId === id).length,
    "Course.viewerEnrollment": ({ id }: Row["Course"]) =>
      this.context.tables.Enrollment.all().find(
        (row) => row.courseId === id && row.studentId === this.context.viewer.id,
      ) ?? null,
    "Course.enrollments": ({ id }: Row["Course"], args) =>
      this.#page("Enrollment", args, (row) => row.courseId === id),

    "Enrollment.student": (row: Row["Enrollment"], _, info) =>
      this.#edge("User", row.studentId, info),
    "Enrollment.course": (row: Row["Enrollment"], _, info) =>
      this.#edge("Course", row.courseId, info),
    "Enrollment.payment": (row: Row["Enrollment"], _, info) =>
      this.#edge("Payment", row.paymentId, info),

    "Payment.student": (row: Row["Payment"], _, info) => this.#edge("User", row.studentId, info),
    "Payment.course": (row: Row["Payment"], _, info) => this.#edge("Course", row.courseId, info),
    "Payment.enrollment": ({ id }: Row["Payment"]) => this.#bought(id) ?? null,

    "Notification.user": (row: Row["Notification"], _, info) =>
      this.#edge("User", row.userId, info),
  };
}

function renamesKey({ alias, name }: FieldNode): boolean {
  return alias?.value === "id" && name.value !== "id";
}

export function pathOf(path: GraphQLResolveInfo["path"] | undefined): string {
  return path ? `${pathOf(path.prev)}/${path.key}` : "";
}
