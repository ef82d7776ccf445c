// Resolves each field of the graph from the rows.

import {
  type FieldNode,
  type GraphQLArgument,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isNonNullType,
} from "graphql";
import { collectFields, collectSubfields } from "graphql/execution/collectFields.js";
import type { ExecutionContext, ReferenceContext } from "./context.ts";
import { isManager, isVisible } from "./courses.ts";
import { codedError, Unpredictable } from "./errors.ts";
import { canonicalId, checkFormats } from "./formats.ts";
import { isAmount, mutations } from "./mutations.ts";
import { type Order, type PageArguments, Pages, priceToPay } from "./pages.ts";
import type { Outcome, Viewer } from "./permissions.ts";
import { copyTables, type EnrollmentChange, type Row, type TypeName } from "./rows.ts";

type Arguments = Record<string, unknown>;
type Resolver = (source: never, args: Arguments, info: GraphQLResolveInfo) => unknown;

const MAX_SEARCH_LENGTH = 200;
const MAX_CHANGES = 100;
const MAX_WORDS = 6;
/** In the order of their settings. */
const NOTIFICATION_TYPES = ["REGISTRATION", "ENROLLMENT", "PAYMENT", "COURSE", "SECURITY"];

const TYPES_BY_ID_FIELD: Record<string, TypeName> = {
  user: "User",
  course: "Course",
  enrollment: "Enrollment",
  payment: "Payment",
  notification: "Notification",
};

export class Execution {
  readonly context: ExecutionContext;
  /** The paths of objects with a dangling reference. */
  readonly parentsOfDangling = new Set<string>();
  hasDanglingReferences = false;
  /** How many mutations of the document have not been executed. */
  mutationsLeft = 0;
  readonly #payloads = new Map<string, unknown>();
  readonly #before: Execution | undefined;
  readonly #pages: Pages;

  /** @param before a completed execution whose payloads are resolved again */
  constructor(referenceContext: ReferenceContext, viewer: Viewer, before?: Execution) {
    const tables = before?.context.tables ?? copyTables(referenceContext.tables);
    this.context = { referenceContext, viewer, tables, createdCount: 0 };
    this.#before = before;
    this.#pages = new Pages(tables, referenceContext.cursors, referenceContext.mutant);
  }

  resolve(source: unknown, args: Arguments, info: GraphQLResolveInfo): unknown {
    const type = info.parentType.name;
    const name = info.fieldName;
    if (type === "Query" && name === "nodes") return this.#nodes(args.ids as unknown[], info);
    checkFormats(info.parentType.getFields()[name]?.args ?? [], args);
    if (type === "Mutation") return this.#resolveMutation(args, info);
    if (type === "Query" && name === "node") return this.#node(args.id, info);
    const byId = type === "Query" ? TYPES_BY_ID_FIELD[name] : undefined;
    if (byId) return this.#byId(byId, name, args.id);

    if (isStub(source) && this.#isAnsweredByOwner(type, name)) return null;
    const outcome = this.#outcome(type, name, source);
    if (outcome === "null") return null;
    if (outcome !== "allowed") throw codedError(outcome);
    const resolver = this.#resolvers[`${type}.${name}`];
    if (resolver) return resolver(source as never, args, info);
    return (source as Record<string, unknown>)[name] ?? null;
  }

  /** The rule of docs/permissions.json, for this field of this object. */
  #outcome(type: string, field: string, source: unknown): Outcome {
    const { permissions } = this.context.referenceContext;
    // Connections and payloads are as visible as the field that returns them.
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
        // A payment stub has no student, but the enrollment that it bought has.
        return (
          (source as Partial<Row["Payment"]>).studentId ?? this.#purchasedEnrollment(id)?.studentId
        );
      case "Notification":
        return (source as Partial<Row["Notification"]>).userId;
      default:
        return undefined;
    }
  }

  #resolveMutation(args: Arguments, info: GraphQLResolveInfo): unknown {
    const at = `${info.path.key}`;
    const payloads = (this.#before ?? this).#payloads;
    if (!this.#before) payloads.set(at, this.#runMutation(args, info));
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

  #runMutation({ input, ...args }: Arguments, info: GraphQLResolveInfo): unknown {
    const mutate = mutations[info.fieldName];
    if (!mutate) return new Unpredictable(info.fieldName);
    try {
      return mutate(this.context, (input ?? args) as never);
    } catch (error) {
      return error;
    }
  }

  /** Whether an object exists as far as the viewer may know: a draft does for its teacher and admins alone. */
  #exists(type: TypeName, row: object): boolean {
    return type !== "Course" || isVisible(row as Row["Course"], this.context.viewer);
  }

  /** An object that a query selects by id, if the viewer may see it. */
  #byId(type: TypeName, field: string, id: unknown) {
    const row = this.context.tables[type].find(canonicalId(id));
    const { permissions } = this.context.referenceContext;
    const owner = this.#ownerOf(type, row);
    const outcome = permissions.outcome(`Query.${field}`, this.context.viewer, owner);
    return row && outcome === "allowed" && this.#exists(type, row) ? row : null;
  }

  /** An object of any type. It is null, too, if something is selected, but of objects of other types only. */
  #node(id: unknown, info: GraphQLResolveInfo) {
    const types = Object.entries(TYPES_BY_ID_FIELD);
    const selected = types.filter(([, type]) => this.#selected(type, info).length > 0);
    for (const [field, type] of selected.length > 0 ? selected : types) {
      const row = this.#byId(type, field, id);
      if (row) return { ...row, __typename: type };
    }
    return null;
  }

  /** An invalid id is an error of its own item. */
  #nodes(ids: unknown[], info: GraphQLResolveInfo) {
    const { args } = info.parentType.getFields().node as { args: readonly GraphQLArgument[] };
    return ids.map((id) => {
      try {
        checkFormats(args, { id });
        return this.#node(id, info);
      } catch (error) {
        return error;
      }
    });
  }

  /**
   * Resolves a reference by key.
   *
   * A deleted object can still be represented by its key, and other subgraphs can resolve their fields for it. It is
   * null as soon as a non-null field of the owning subgraph is selected.
   */
  #resolveReference(type: TypeName, id: string | null | undefined, info: GraphQLResolveInfo) {
    // A stub of a deleted object has no references.
    if (id == null) return null;
    const selected = this.#selected(type, info);
    const { mutant, permissions } = this.context.referenceContext;
    if (mutant === "alias-replaces-key" && selected.some(aliasesOtherFieldAsId)) return null;
    const row = this.context.tables[type].find(id);
    // To a viewer who may not see it, it looks deleted.
    const mayResolve =
      row &&
      permissions.mayResolve(type, this.context.viewer, this.#ownerOf(type, row)) &&
      this.#exists(type, row);
    if (mayResolve) return row;

    this.hasDanglingReferences = true;
    this.parentsOfDangling.add(pathOf(info.path.prev));
    const referencing = permissions.subgraphOf(`${info.parentType.name}.${info.fieldName}`);
    const fields = (info.schema.getType(type) as GraphQLObjectType).getFields();
    const needsOwner = selected.some(({ name: { value: name } }) => {
      const field = fields[name];
      return field && this.#isAnsweredByOwner(type, name) && isNonNullType(field.type);
    });
    const isNull = needsOwner && permissions.subgraphOf(`${type}.id`) !== referencing;
    return isNull ? null : ({ id, isStub: true } satisfies Stub);
  }

  /** Whether the subgraph that owns the type answers this field, and not one that only knows the key. */
  #isAnsweredByOwner(type: string, field: string): boolean {
    const { permissions } = this.context.referenceContext;
    const owner = permissions.subgraphOf(`${type}.id`);
    return field !== "id" && permissions.subgraphOf(`${type}.${field}`) === owner;
  }

  /** One field node for each response key. */
  #selected(name: TypeName, { schema, fragments, variableValues, fieldNodes }: GraphQLResolveInfo) {
    const type = schema.getType(name) as GraphQLObjectType;
    const fields = collectSubfields(schema, fragments, variableValues, type, fieldNodes);
    return [...fields.values()].flatMap(([node]) => node ?? []);
  }

  #purchasedEnrollment(payment: string): Row["Enrollment"] | undefined {
    const id = this.context.tables.purchases.get(payment);
    const enrollment = id === undefined ? undefined : this.context.tables.Enrollment.find(id);
    return enrollment?.paymentId === payment ? enrollment : undefined;
  }

  #page<T extends TypeName>(
    type: T,
    args: Arguments,
    isListed: (row: Row[T]) => boolean,
    order: Order = "NEWEST",
  ) {
    const { status } = args;
    const isIgnored = status == null || this.context.referenceContext.mutant === "filter-ignored";
    const hasStatus = (row: Row[T]) => isIgnored || (row as { status?: string }).status === status;
    const rows = this.context.tables[type].all() as Row[T][];
    const listed = rows.filter((row) => isListed(row) && hasStatus(row));
    return this.#pages.page(type, listed, args as PageArguments, order);
  }

  #courses({ filter, orderBy, ...args }: Arguments) {
    const { search, words, level, levels, isFree, teacherId, minPrice, maxPrice } = (filter ??
      {}) as Record<string, never>;
    const separateWords = searchedText(words)
      .split(/\s+/)
      .filter((word) => word !== "");
    if (separateWords.length > MAX_WORDS) throw codedError("BAD_USER_INPUT");
    const texts = [searchedText(search), ...separateWords];
    for (const price of [minPrice, maxPrice])
      if (price != null && !isAmount(price, { isFreeAllowed: true }))
        throw codedError("BAD_USER_INPUT");
    const isListed = (course: Row["Course"]) =>
      course.state === "PUBLISHED" &&
      texts.every((text) => contains(course.title, text) || contains(course.description, text)) &&
      (level == null || course.level === level) &&
      (levels == null ||
        [levels].flat().length === 0 ||
        [levels].flat().includes(course.level as never)) &&
      (minPrice == null || priceToPay(course) >= Number(minPrice)) &&
      (maxPrice == null || priceToPay(course) <= Number(maxPrice)) &&
      (isFree == null || course.isFree === isFree) &&
      (teacherId == null || course.teacherId === canonicalId(teacherId));
    return this.#page("Course", args, isListed, orderBy as Order);
  }

  #users({ filter, ...args }: Arguments) {
    const { search, role, isVerified, isSuspended } = (filter ?? {}) as Record<string, never>;
    const text = searchedText(search).toLowerCase();
    const isVerifiedTeacher = (user: Row["User"]) => user.role === "TEACHER" && user.isVerified;
    const isListed = (user: Row["User"]) =>
      (user.name.toLowerCase().includes(text) || user.email.toLowerCase().includes(text)) &&
      (role == null || user.role === role) &&
      (isVerified == null || isVerifiedTeacher(user) === isVerified) &&
      (isSuspended == null || user.isSuspended === isSuspended);
    return this.#page("User", args, isListed);
  }

  #unread(user: string): Row["Notification"][] {
    return this.context.tables.Notification.all().filter(
      (row) => row.userId === user && !row.isRead,
    );
  }

  /** The newest active payment of the viewer for a course. */
  #viewerPayment(courseId: string): Row["Payment"] | undefined {
    const active = this.context.tables.Payment.all().filter(
      (row) =>
        row.courseId === courseId &&
        row.studentId === this.context.viewer.id &&
        ["PENDING", "COMPLETED"].includes(row.status),
    );
    const isNewer = (a: Row["Payment"], b: Row["Payment"]) =>
      a.time === b.time ? a.id > b.id : a.time > b.time;
    return active.reduce<Row["Payment"] | undefined>(
      (newest, row) => (newest && isNewer(newest, row) ? newest : row),
      undefined,
    );
  }

  #changes(isListed: (change: EnrollmentChange) => boolean): EnrollmentChange[] {
    return this.context.tables.history.filter(isListed).slice(0, MAX_CHANGES);
  }

  /** The completed payments that are listed, as a sum and by month. */
  #sales(isListed: (payment: Row["Payment"]) => boolean) {
    const payments = this.context.tables.Payment.all().filter(
      (payment) => payment.status === "COMPLETED" && isListed(payment),
    );
    const monthOf = ({ createdAt }: Row["Payment"]) => createdAt.slice(0, "2026-01".length);
    const names = [...new Set(payments.map(monthOf))].sort().reverse();
    const months = names.map((month) => ({
      month,
      ...total(payments.filter((payment) => monthOf(payment) === month)),
    }));
    return { ...total(payments), months };
  }

  /** The fields that are not just a property of their object. */
  readonly #resolvers: Record<string, Resolver> = {
    "Query.me": () => this.context.tables.User.find(this.context.viewer.id ?? "") ?? null,
    "Query.courses": (_, args) => this.#courses(args),
    "Query.enrollments": (_, args) => this.#page("Enrollment", args, () => true),
    "Query.payments": (_, args) => this.#page("Payment", args, () => true),
    "Query.unverifiedTeachers": (_, args) =>
      this.#page("User", args, (user) => user.role === "TEACHER" && !user.isVerified, "OLDEST"),

    "Query.users": (_, args) => this.#users(args),
    // Nobody is deleted, and nobody exports: both are unpredictable.
    "Query.erasure": () => null,
    "Query.dataExport": () => null,

    "User.isVerified": (user: Row["User"]) => user.role === "TEACHER" && user.isVerified,
    "User.sessions": () => {
      // They begin when the viewers sign in, after the rows were read.
      throw new Unpredictable("User.sessions");
    },
    // Nobody enables one: that is unpredictable.
    "User.secondFactor": () => ({ isEnabled: false, enabledAt: null, recoveryCodesLeft: 0 }),
    "User.courses": ({ id }: Row["User"], args) =>
      this.#page(
        "Course",
        args,
        (course) =>
          course.teacherId === id &&
          (course.state === "PUBLISHED" || isManager(course, this.context.viewer)) &&
          (args.state == null || course.state === args.state),
      ),
    "User.enrollments": ({ id }: Row["User"], args) =>
      this.#page("Enrollment", args, (enrollment) => enrollment.studentId === id),
    "User.enrollmentHistory": ({ id }: Row["User"], { courseId }) =>
      this.#changes(
        (change) =>
          change.studentId === id &&
          (courseId == null || change.courseId === canonicalId(courseId)),
      ),
    "User.sales": ({ id }: Row["User"]) => this.#sales((payment) => payment.teacherId === id),
    "User.payments": ({ id }: Row["User"], args) =>
      this.#page("Payment", args, (payment) => payment.studentId === id),
    "User.notifications": ({ id }: Row["User"], args) =>
      this.#page(
        "Notification",
        args,
        (row) => row.userId === id && !(args.unreadOnly && row.isRead),
      ),
    "User.unreadNotificationCount": ({ id }: Row["User"]) => this.#unread(id).length,
    "User.notificationSettings": ({ id }: Row["User"]) =>
      NOTIFICATION_TYPES.map((type) => ({
        type,
        isEnabled: !this.context.tables.disabledNotifications.has(`${id} ${type}`),
      })),

    "Course.teacher": (course: Row["Course"], _, info) =>
      this.#resolveReference("User", course.teacherId, info),
    "Course.enrollmentCount": ({ id }: Row["Course"]) =>
      this.context.tables.Enrollment.all().filter((row) => row.courseId === id).length,
    "Course.viewerEnrollment": ({ id }: Row["Course"]) =>
      this.context.tables.Enrollment.all().find(
        (row) => row.courseId === id && row.studentId === this.context.viewer.id,
      ) ?? null,
    "Course.enrollments": ({ id }: Row["Course"], args) =>
      this.#page("Enrollment", args, (row) => row.courseId === id),
    "Course.enrollmentHistory": ({ id }: Row["Course"], { studentId }) =>
      this.#changes(
        (change) =>
          change.courseId === id &&
          (studentId == null || change.studentId === canonicalId(studentId)),
      ),
    "Course.sales": ({ id }: Row["Course"]) => this.#sales((payment) => payment.courseId === id),
    "Course.viewerPayment": ({ id }: Row["Course"]) => this.#viewerPayment(id) ?? null,

    "EnrollmentChange.changedBy": (change: EnrollmentChange, _, info) =>
      this.#resolveReference("User", change.changedById, info),
    "EnrollmentChange.student": (change: EnrollmentChange, _, info) =>
      this.#resolveReference("User", change.studentId, info),
    "EnrollmentChange.course": (change: EnrollmentChange, _, info) =>
      this.#resolveReference("Course", change.courseId, info),

    "Enrollment.student": (row: Row["Enrollment"], _, info) =>
      this.#resolveReference("User", row.studentId, info),
    "Enrollment.course": (row: Row["Enrollment"], _, info) =>
      this.#resolveReference("Course", row.courseId, info),
    "Enrollment.payment": (row: Row["Enrollment"], _, info) =>
      this.#resolveReference("Payment", row.paymentId, info),

    "Payment.student": (row: Row["Payment"], _, info) =>
      this.#resolveReference("User", row.studentId, info),
    "Payment.course": (row: Row["Payment"], _, info) =>
      this.#resolveReference("Course", row.courseId, info),
    "Payment.redemption": ({ id }: Row["Payment"]) =>
      this.context.tables.redemptions.get(id) ?? "NONE",
    "Payment.enrollment": ({ id }: Row["Payment"]) => this.#purchasedEnrollment(id) ?? null,

    "Notification.user": (row: Row["Notification"], _, info) =>
      this.#resolveReference("User", row.userId, info),
    "Notification.subject": ({ subjectType, subjectId }: Row["Notification"], _, info) => {
      const subject = subjectType && this.#resolveReference(subjectType, subjectId, info);
      return subject && { ...subject, __typename: subjectType };
    },
  };
}

/** The number and the sum of payments, computed in cents. */
function total(payments: Row["Payment"][]) {
  const cents = payments.reduce((sum, { amount }) => sum + BigInt(amount.replace(".", "")), 0n);
  const digits = cents.toString().padStart(3, "0");
  return { count: payments.length, amount: `${digits.slice(0, -2)}.${digits.slice(-2)}` };
}

/** A text to search for, as the system reads it. */
function searchedText(text: unknown): string {
  if (text == null) return "";
  const trimmed = `${text}`.trim().normalize("NFC");
  // PostgreSQL cannot store the character NUL.
  if (`${text}`.includes("\0") || [...trimmed].length > MAX_SEARCH_LENGTH)
    throw codedError("BAD_USER_INPUT");
  return trimmed;
}

/** Whether a text occurs in another one, in any letter case, in either Unicode form, with or without carriage returns. */
function contains(text: string, part: string): boolean {
  const forms = [part, part.replaceAll("\r\n", "\n")]
    .flatMap((form) => [form, form.normalize("NFD")])
    .map((form) => form.toLowerCase());
  return forms.some((form) => text.toLowerCase().includes(form));
}

/** An object of which only the key is known: its own subgraph has none, and answers null without errors. */
interface Stub {
  id: string;
  isStub: true;
}

function isStub(source: unknown): source is Stub {
  return typeof source === "object" && source !== null && "isStub" in source;
}

function aliasesOtherFieldAsId({ alias, name }: FieldNode): boolean {
  return alias?.value === "id" && name.value !== "id";
}

export function pathOf(path: GraphQLResolveInfo["path"] | undefined): string {
  return path ? `${pathOf(path.prev)}/${path.key}` : "";
}
