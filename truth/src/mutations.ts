// A model of the mutations whose outcome can be foretold. The others, such as a purchase that succeeds, have
// effects that come when they come.

import { canonical } from "./formats.ts";
import { refuse, Unpredictable } from "./refusal.ts";
import type { Context } from "./resolvers.ts";
import type { Course } from "./rows.ts";
import { PASSWORD } from "./viewers.ts";
import { generated, WORDING } from "./wildcards.ts";

interface UserError {
  code: string;
  field: string[];
  message: string;
}

/** Of a course; a new one has all that is required. */
interface CourseInput {
  title: string;
  description: string;
  level: string;
  isFree: boolean;
  durationMinutes: number;
  price?: string | null;
}
interface PurchaseInput {
  courseId: string;
  idempotencyKey: string;
  expectedAmount?: string | null;
}
interface SignUp {
  email: string;
  password: string;
  name: string;
}
type Nullable<T> = { [K in keyof T]?: T[K] | null };
type Mutation = (context: Context, input: never) => unknown;

const LONGEST_TITLE = 500;
const MAX_DESCRIPTION = 20_000;
const LONGEST_NAME = 255;
const SHORTEST_PASSWORD = 8;
const LONGEST_PASSWORD = 128;
const LONGEST_KEY = 255;
const HIGHEST_AMOUNT = 9_999_999_999.99;
const STATUSES = ["ENROLLED", "IN_PROGRESS", "COMPLETED"];
/** Later than all that was there before. */
const NOW = 10n ** 18n;

export const mutations: Record<string, Mutation> = {
  markNotificationRead(context, { notificationId }: { notificationId: string }) {
    const viewer = admit(context, "markNotificationRead");
    const notification = context.tables.Notification.find(canonical(notificationId));
    if (notification?.userId !== viewer) return refused("notification", notFound("notificationId"));
    return done("notification", context.tables.Notification.put({ ...notification, isRead: true }));
  },

  markAllNotificationsRead(context) {
    const viewer = admit(context, "markAllNotificationsRead");
    const { Notification } = context.tables;
    const unread = Notification.all().filter((row) => row.userId === viewer && !row.isRead);
    for (const row of unread) Notification.put({ ...row, isRead: true });
    return done("count", unread.length);
  },

  createCourse(context, input: CourseInput) {
    const teacherId = admit(context, "createCourse");
    const { title, description, level, isFree, price, durationMinutes } = input;
    const described = { title, description, level, isFree, price: price ?? null, durationMinutes };
    const faults = faultsOf(described);
    if (faults.length > 0) return refused("course", ...faults);
    context.made += 1;
    const course = {
      ...described,
      id: generated(`id ${context.made}`),
      teacherId,
      price: withCents(described.price),
      createdAt: generated(`time ${context.made}`),
      time: NOW + BigInt(context.made),
    };
    return done("course", context.tables.Course.put(course));
  },

  updateCourse(context, input: { courseId: string } & Nullable<CourseInput>) {
    const { permissions } = context.world;
    const course = context.tables.Course.find(canonical(input.courseId));
    const outcome = permissions.outcome("Mutation.updateCourse", context.viewer, course?.teacherId);
    // Whether a course is there is for teachers to know.
    if (!course && context.viewer.role === "TEACHER")
      return refused("course", notFound("courseId"));
    if (outcome !== "allowed") throw refuse(outcome);
    if (!course || context.viewer.role !== "TEACHER") throw refuse("FORBIDDEN");

    const isFree = input.isFree ?? course.isFree;
    const changed = {
      title: input.title ?? course.title,
      description: input.description ?? course.description,
      level: input.level ?? course.level,
      isFree,
      price: input.price ?? (isFree ? null : course.price),
      durationMinutes: input.durationMinutes ?? course.durationMinutes,
    };
    const faults = faultsOf(changed);
    if (faults.length > 0) return refused("course", ...faults);
    const row = { ...course, ...changed, price: withCents(changed.price) };
    return done("course", context.tables.Course.put(row));
  },

  setEnrollmentStatus(context, { enrollmentId, status }: { enrollmentId: string; status: string }) {
    const viewer = admit(context, "setEnrollmentStatus");
    const enrollment = context.tables.Enrollment.find(canonical(enrollmentId));
    if (enrollment?.studentId !== viewer) return refused("enrollment", notFound("enrollmentId"));
    if (STATUSES.indexOf(status) <= STATUSES.indexOf(enrollment.status))
      return refused("enrollment", userError("INVALID_STATUS_TRANSITION", "status"));
    return done("enrollment", context.tables.Enrollment.put({ ...enrollment, status }));
  },

  verifyTeacher(context, { userId }: { userId: string }) {
    admit(context, "verifyTeacher");
    const user = context.tables.User.find(canonical(userId));
    if (user?.role !== "TEACHER") return refused("user", notFound("userId"));
    return done("user", context.tables.User.put({ ...user, isVerified: true }));
  },

  enroll(context, { courseId, paymentId }: { courseId: string; paymentId?: string | null }) {
    const studentId = admit(context, "enroll");
    const course = context.tables.Course.find(canonical(courseId));
    if (!course) return refused("enrollment", notFound("courseId"));
    const isTaken = (row: { studentId: string; courseId: string }) =>
      row.studentId === studentId && row.courseId === course.id;
    if (context.tables.Enrollment.all().some(isTaken))
      return refused("enrollment", userError("ALREADY_ENROLLED"));
    if (paymentId != null) {
      const payment = context.tables.Payment.find(canonical(paymentId));
      const buys = payment && payment.status === "COMPLETED" && isTaken(payment);
      if (!buys) return refused("enrollment", userError("PAYMENT_NOT_VALID", "paymentId"));
    } else if (!course.isFree) {
      return refused("enrollment", userError("PAYMENT_REQUIRED"));
    }
    throw new Unpredictable("enroll");
  },

  purchaseCourse(context, { courseId, idempotencyKey, expectedAmount }: PurchaseInput) {
    admit(context, "purchaseCourse");
    const faults = [
      ...([...idempotencyKey].length > LONGEST_KEY || idempotencyKey === ""
        ? ["idempotencyKey"]
        : []),
      ...(expectedAmount != null && !isAmount(expectedAmount) ? ["expectedAmount"] : []),
    ];
    if (faults.length > 0) return refused("payment", ...faults.map(invalid));
    const course = context.tables.Course.find(canonical(courseId));
    if (!course) return refused("payment", notFound("courseId"));
    if (course.isFree || !(Number(course.price ?? 0) > 0))
      return refused("payment", userError("COURSE_IS_FREE", "courseId"));
    if (expectedAmount != null && Number(expectedAmount) !== Number(course.price))
      return refused("payment", userError("PRICE_CHANGED", "expectedAmount"));
    throw new Unpredictable("purchaseCourse");
  },

  refundPayment(context, { paymentId }: { paymentId: string }) {
    admit(context, "refundPayment");
    const payment = context.tables.Payment.find(canonical(paymentId));
    if (!payment) return refused("payment", notFound("paymentId"));
    if (payment.status === "COMPLETED") throw new Unpredictable("refundPayment");
    return refused("payment", userError("NOT_REFUNDABLE", "paymentId"));
  },

  republishPayment(context, { paymentId }: { paymentId: string }) {
    admit(context, "republishPayment");
    const payment = context.tables.Payment.find(canonical(paymentId));
    if (!payment) return refused("payment", notFound("paymentId"));
    if (!["PENDING", "FAILED"].includes(payment.status))
      throw new Unpredictable("republishPayment");
    return refused("payment", invalid("paymentId"));
  },

  register({ tables }, { email, password, name }: SignUp) {
    const length = [...password].length;
    const faults = [
      ...(isAddress(email) ? [] : ["email"]),
      ...(length < SHORTEST_PASSWORD || length > LONGEST_PASSWORD ? ["password"] : []),
      ...(isText(name, LONGEST_NAME) ? [] : ["name"]),
    ];
    if (faults.length > 0) return notSignedIn(faults.map(invalid));
    if (tables.User.all().some((user) => user.email === email.toLowerCase()))
      return notSignedIn([userError("EMAIL_TAKEN", "email")]);
    throw new Unpredictable("register");
  },

  login(context, { email, password }: Pick<SignUp, "email" | "password">) {
    const address = email.toLowerCase();
    const user = context.tables.User.all().find((one) => one.email === address);
    if (!user?.hasPassword || password !== PASSWORD)
      return notSignedIn([userError("INVALID_CREDENTIALS")]);
    context.made += 1;
    const session = {
      accessToken: generated(`access token ${context.made}`),
      refreshToken: generated(`refresh token ${context.made}`),
      expiresAt: generated(`end ${context.made}`),
      tokenType: "Bearer",
    };
    return { session, user: { ...user, through: "Mutation.login" }, userErrors: [] };
  },

  /** No token that is made up is a session's. */
  logout: () => ({ userErrors: [] }),
  refreshSession: () => refused("session", userError("SESSION_EXPIRED")),
};

/** Who is asking, if they may. */
function admit({ world, viewer }: Context, field: string): string {
  const outcome = world.permissions.outcome(`Mutation.${field}`, viewer);
  if (outcome !== "allowed") throw refuse(outcome);
  return viewer.id ?? "";
}

function done(member: string, value: unknown) {
  return { [member]: value, userErrors: [] };
}

function refused(member: string, ...userErrors: UserError[]) {
  return { [member]: null, userErrors };
}

function userError(code: string, field?: string): UserError {
  return { code, field: field === undefined ? [] : ["input", field], message: WORDING };
}

/** Of those that would have signed somebody in. */
function notSignedIn(userErrors: UserError[]) {
  return { session: null, user: null, userErrors };
}

const invalid = (field: string) => userError("INVALID_INPUT", field);
const notFound = (field: string) => userError("NOT_FOUND", field);

/** In the order in which they are always named. */
function faultsOf(course: Omit<Course, "id" | "teacherId" | "createdAt" | "time">): UserError[] {
  const { title, description, isFree, price, durationMinutes } = course;
  return [
    ...(isText(title, LONGEST_TITLE) ? [] : ["title"]),
    ...(isStorable(description) && isAtMost(description, MAX_DESCRIPTION) ? [] : ["description"]),
    ...(durationMinutes < 0 ? ["durationMinutes"] : []),
    ...((price === null) !== isFree || (price !== null && !isAmount(price)) ? ["price"] : []),
  ].map(invalid);
}

/** That says something, and fits into its column. */
function isText(text: string, longest: number): boolean {
  return isStorable(text) && text.trim() !== "" && isAtMost(text, longest);
}

function isAtMost(text: string, length: number): boolean {
  return [...text].length <= length;
}

/** PostgreSQL has no place for the character NUL. */
function isStorable(text: string): boolean {
  return !text.includes("\0");
}

function isAddress(text: string): boolean {
  return [...text].length <= LONGEST_NAME && /^[\w.]+@[\w.]+$/.test(text);
}

function isAmount(text: string): boolean {
  const decimals = /\.(\d*?)0*$/.exec(text)?.[1] ?? "";
  return Number(text) > 0 && Number(text) <= HIGHEST_AMOUNT && decimals.length <= 2;
}

/** As an amount of money is kept. */
function withCents(price: string | null): string | null {
  if (price === null) return null;
  const [whole, cents = ""] = price.split(".");
  return `${BigInt(whole ?? 0)}.${cents.slice(0, 2).padEnd(2, "0")}`;
}
