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
  time: bigint;
}

export interface Payment {
  id: string;
  studentId: string;
  courseId: string;
  amount: string;
  status: string;
  refundState: string;
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

  delete(id: string): void {
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
};

export function copyTables(tables: Tables): Tables {
  return {
    User: tables.User.copy(),
    Course: tables.Course.copy(),
    Enrollment: tables.Enrollment.copy(),
    Payment: tables.Payment.copy(),
    Notification: tables.Notification.copy(),
    purchases: tables.purchases,
  };
}

const micros = (column: string) =>
  `(extract(epoch from ${column}) * 1000000)::bigint::text as time`;

export async function readTables(databases: Databases): Promise<Tables> {
  const [users, courses, enrollments, payments, notifications, uses, refunds] = await Promise.all([
    databases.rows("identity", `select *, ${micros("created_at")} from users`),
    databases.rows(
      "course",
      `select *, price::text as price, ${micros("created_at")} from courses`,
    ),
    databases.rows("enrollment", `select *, ${micros("enrolled_at")} from enrollments`),
    databases.rows(
      "payment",
      `select *, amount::text as amount, ${micros("created_at")} from payments`,
    ),
    databases.rows("notification", `select *, ${micros("created_at")} from notifications`),
    databases.rows(
      "enrollment",
      "select payment_id, enrollment_id from payment_redemptions where enrollment_id is not null",
    ),
    databases.rows(
      "payment",
      "select payment_id, next_attempt_at, refused_at from refund_requests",
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
        ...timestampFields(row.time, "createdAt"),
      })),
    ),
    purchases: new Map(uses.map((use) => [use.payment_id, use.enrollment_id])),
  };
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
