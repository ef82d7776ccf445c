// The database rows, with the names of the GraphQL schema.

import type { Databases } from "./databases.ts";

/** The sort key of a row: the time in microseconds, then the id. */
export interface SortKey {
  time: bigint;
  id: string;
}

export interface User {
  id: string;
  email: string;
  name: string;
  role: "STUDENT" | "TEACHER" | "ADMIN";
  isVerified: boolean;
  isSuspended: boolean;
  isEmailVerified: boolean;
  /** Whether the password of the sample data is valid for the user. */
  hasPassword: boolean;
  createdAt: string;
  time: bigint;
}

export interface Course {
  id: string;
  teacherId: string;
  title: string;
  description: string;
  isFree: boolean;
  price: string | null;
  durationMinutes: number;
  level: string;
  state: string;
  withdrawnByAdmin: boolean;
  createdAt: string;
  time: bigint;
}

export interface Enrollment {
  id: string;
  studentId: string;
  courseId: string;
  paymentId: string | null;
  status: string;
  enrolledAt: string;
  completedAt: string | null;
  time: bigint;
}

/** A change of an enrollment. */
export interface EnrollmentChange {
  studentId: string;
  courseId: string;
  changedById: string | null;
  kind: string;
  status: string;
  reason: string | null;
  changedAt: string;
}

export interface Payment {
  id: string;
  studentId: string;
  courseId: string;
  amount: string;
  status: string;
  refundState: string;
  refundReason: string | null;
  /** The teacher of the course; null if the payment does not say. */
  teacherId: string | null;
  createdAt: string;
  time: bigint;
}

export interface Notification {
  id: string;
  userId: string;
  type: string;
  title: string;
  body: string;
  isRead: boolean;
  subjectType: "Course" | "Payment" | "Enrollment" | null;
  subjectId: string | null;
  createdAt: string;
  time: bigint;
}

export interface Row {
  User: User;
  Course: Course;
  Enrollment: Enrollment;
  Payment: Payment;
  Notification: Notification;
}
export type TypeName = keyof Row;

/** All rows of a type. Rows are immutable: a change replaces a row. */
export class Table<R extends { id: string; time: bigint }> {
  readonly #byId: Map<string, R>;

  constructor(rows: Iterable<R>) {
    this.#byId = new Map([...rows].map((row) => [row.id, row]));
  }

  find(id: string): R | undefined {
    return this.#byId.get(id);
  }

  put(row: R): R {
    this.#byId.set(row.id, row);
    return row;
  }

  remove(id: string): void {
    this.#byId.delete(id);
  }

  all(): R[] {
    return [...this.#byId.values()];
  }

  copy(): Table<R> {
    return new Table(this.#byId.values());
  }
}

export type Tables = { [T in TypeName]: Table<Row[T]> } & {
  /** The enrollment that each payment bought, by payment id. */
  purchases: Map<string, string>;
  /** Those that the operation has deleted: others can still be marked up to one of them. */
  deletedNotifications: Map<string, Notification>;
  /** The types of notifications that users have switched off, as "user type". */
  disabledNotifications: Set<string>;
  /** What became of each payment, by payment id. */
  redemptions: Map<string, string>;
  /** The changes of enrollments, newest first. */
  history: EnrollmentChange[];
};

export function copyTables(tables: Tables): Tables {
  return {
    User: tables.User.copy(),
    Course: tables.Course.copy(),
    Enrollment: tables.Enrollment.copy(),
    Payment: tables.Payment.copy(),
    Notification: tables.Notification.copy(),
    purchases: tables.purchases,
    deletedNotifications: new Map(tables.deletedNotifications),
    disabledNotifications: tables.disabledNotifications,
    redemptions: tables.redemptions,
    history: [...tables.history],
  };
}

const micros = (column: string) =>
  `(extract(epoch from ${column}) * 1000000)::bigint::text as time`;

export async function readTables(databases: Databases): Promise<Tables> {
  const [
    users,
    courses,
    enrollments,
    payments,
    notifications,
    redemptions,
    refunds,
    history,
    disabledNotifications,
  ] = await Promise.all([
    databases.rows("identity", `select *, ${micros("created_at")} from users`),
    databases.rows(
      "course",
      `select *, price::text as price, ${micros("created_at")} from courses`,
    ),
    databases.rows(
      "enrollment",
      `select *, (extract(epoch from completed_at) * 1000000)::bigint::text as completion_time,
         ${micros("enrolled_at")}
       from enrollments`,
    ),
    databases.rows(
      "payment",
      `select *, amount::text as amount, ${micros("created_at")} from payments`,
    ),
    databases.rows("notification", `select *, ${micros("created_at")} from notifications`),
    databases.rows(
      "enrollment",
      "select payment_id, enrollment_id, state from payment_redemptions",
    ),
    databases.rows(
      "payment",
      "select payment_id, next_attempt_at, refused_at, note from refund_requests",
    ),
    databases.rows(
      "enrollment",
      `select *, ${micros("changed_at")} from enrollment_history order by position desc`,
    ),
    databases.rows(
      "notification",
      "select user_id, type from notification_settings where not is_enabled",
    ),
  ]);
  const refundsByPayment = new Map(refunds.map((refund) => [refund.payment_id, refund]));
  return {
    User: new Table(
      users.map((row) => ({
        id: row.id,
        email: row.email,
        name: row.name,
        role: row.role.toUpperCase(),
        isVerified: row.is_verified,
        isSuspended: row.suspended_at != null,
        isEmailVerified: row.email_verified_at != null,
        hasPassword: row.password_hash !== "none",
        ...timestampFields(row.time, "createdAt"),
      })),
    ),
    Course: new Table(
      courses.map((row) => ({
        id: row.id,
        teacherId: row.teacher_id,
        title: row.title,
        description: row.description,
        isFree: row.is_free,
        price: row.price,
        durationMinutes: row.duration_minutes,
        level: row.level.toUpperCase(),
        state: row.state.toUpperCase(),
        withdrawnByAdmin: row.withdrawn_by_admin,
        ...timestampFields(row.time, "createdAt"),
      })),
    ),
    Enrollment: new Table(
      enrollments.map((row) => ({
        id: row.id,
        studentId: row.student_id,
        courseId: row.course_id,
        paymentId: row.payment_id,
        status: row.status.toUpperCase(),
        completedAt: row.completion_time && formatTimestamp(BigInt(row.completion_time)),
        ...timestampFields(row.time, "enrolledAt"),
      })),
    ),
    Payment: new Table(
      payments.map((row) => ({
        id: row.id,
        studentId: row.student_id,
        courseId: row.course_id,
        amount: row.amount,
        status: row.status.toUpperCase(),
        refundState: refundState(row.status, refundsByPayment.get(row.id)),
        refundReason: ["completed", "refunded"].includes(row.status)
          ? (refundsByPayment.get(row.id)?.note ?? null)
          : null,
        teacherId: row.teacher_id,
        ...timestampFields(row.time, "createdAt"),
      })),
    ),
    Notification: new Table(
      notifications.map((row) => ({
        id: row.id,
        userId: row.user_id,
        type: row.type.toUpperCase(),
        title: row.title,
        body: row.body,
        isRead: row.is_read,
        subjectType: subjectType(row.subject_type),
        subjectId: row.subject_id,
        ...timestampFields(row.time, "createdAt"),
      })),
    ),
    purchases: new Map(
      redemptions.flatMap((row) =>
        row.enrollment_id ? [[row.payment_id, row.enrollment_id]] : [],
      ),
    ),
    redemptions: new Map(redemptions.map((row) => [row.payment_id, row.state.toUpperCase()])),
    history: history.map((row) => ({
      studentId: row.student_id,
      courseId: row.course_id,
      changedById: row.changed_by,
      kind: row.kind.toUpperCase(),
      status: row.status.toUpperCase(),
      reason: row.reason,
      changedAt: formatTimestamp(BigInt(row.time)),
    })),
    deletedNotifications: new Map(),
    disabledNotifications: new Set(
      disabledNotifications.map((row) => `${row.user_id} ${row.type.toUpperCase()}`),
    ),
  };
}

function subjectType(column: string | null): Notification["subjectType"] {
  switch (column) {
    case "course":
      return "Course";
    case "payment":
      return "Payment";
    case "enrollment":
      return "Enrollment";
    default:
      return null;
  }
}

function refundState(
  status: string,
  refund: { next_attempt_at?: Date | null; refused_at?: Date | null } | undefined,
): string {
  if (status === "refunded") return "DONE";
  if (status !== "completed" || !refund) return "NONE";
  if (refund.refused_at) return "REFUSED";
  return refund.next_attempt_at ? "UNDERWAY" : "NONE";
}

function timestampFields<F extends string>(text: string, field: F) {
  const time = BigInt(text);
  return { time, [field]: formatTimestamp(time) } as { time: bigint } & Record<F, string>;
}

/** RFC 3339, with milliseconds: microseconds are cut. */
export function formatTimestamp(time: bigint): string {
  const fraction = ((time % 1_000n) + 1_000n) % 1_000n;
  return new Date(Number((time - fraction) / 1000n)).toISOString();
}
