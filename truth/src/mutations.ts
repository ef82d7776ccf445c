// A model of the mutations whose result is predictable. Others, such as a successful purchase, have asynchronous
// effects.

import type { ExecutionContext } from "./context.ts";
import { isManager, isVisible } from "./courses.ts";
import { codedError, Unpredictable } from "./errors.ts";
import { canonicalId } from "./formats.ts";
import type { Course, User } from "./rows.ts";
import { PASSWORD } from "./viewers.ts";
import { ANY_TEXT, generated } from "./wildcards.ts";

interface UserError {
  code: string;
  field: string[];
  message: string;
}

/** The fields of a course; a new course has all required ones. */
interface CourseInput {
  title: string;
  description: string;
  level: string;
  isFree: boolean;
  durationMinutes: number;
  price?: string | null;
}
interface NewCourseInput extends CourseInput {
  isDraft: boolean;
  idempotencyKey?: string | null;
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
type Mutation = (context: ExecutionContext, input: never) => unknown;

const MAX_TITLE_LENGTH = 500;
const MAX_DESCRIPTION_LENGTH = 20_000;
const MAX_WITHDRAWAL_REASON_LENGTH = 2_000;
const MAX_NAME_LENGTH = 255;
const MIN_PASSWORD_LENGTH = 8;
const MAX_PASSWORD_LENGTH = 128;
const MAX_IDEMPOTENCY_KEY_LENGTH = 255;
/** Longer ones belong to nobody. */
const MAX_TYPED_EMAIL_LENGTH = 320;
const MAX_REASON_LENGTH = 500;
const MAX_AMOUNT = 9_999_999_999.99;
const STATUSES = ["ENROLLED", "IN_PROGRESS", "COMPLETED"];
/** Later than all existing rows. */
const NOW = 10n ** 18n;

export const mutations: Record<string, Mutation> = {
  markNotificationRead(context, { notificationId }: { notificationId: string }) {
    const viewer = requireAllowed(context, "markNotificationRead");
    const notification = context.tables.Notification.find(canonicalId(notificationId));
    if (notification?.userId !== viewer)
      return withUserErrors("notification", notFound("notificationId"));
    return succeeded(
      "notification",
      context.tables.Notification.put({ ...notification, isRead: true }),
    );
  },

  markAllNotificationsRead(context, { upTo }: { upTo?: string | null }) {
    const viewer = requireAllowed(context, "markAllNotificationsRead");
    const { Notification, deletedNotifications } = context.tables;
    const lastId = canonicalId(upTo);
    const last = Notification.find(lastId) ?? deletedNotifications.get(lastId);
    if (upTo != null && last?.userId !== viewer)
      return { count: 0, userErrors: [{ ...notFound("upTo"), field: ["upTo"] }] };
    const isUpToLast = ({ time, id }: { time: bigint; id: string }) =>
      !last || time < last.time || (time === last.time && id <= last.id);
    const unread = Notification.all().filter(
      (row) => row.userId === viewer && !row.isRead && isUpToLast(row),
    );
    for (const row of unread) Notification.put({ ...row, isRead: true });
    return succeeded("count", unread.length);
  },

  deleteNotification(context, { notificationId }: { notificationId: string }) {
    const viewer = requireAllowed(context, "deleteNotification");
    const { Notification } = context.tables;
    const id = canonicalId(notificationId);
    if (Notification.find(id)?.userId !== viewer)
      return withUserErrors("deletedNotificationId", notFound("notificationId"));
    removeNotifications(context, [id]);
    return succeeded("deletedNotificationId", id);
  },

  deleteReadNotifications(context) {
    const viewer = requireAllowed(context, "deleteReadNotifications");
    const { Notification } = context.tables;
    const read = Notification.all().filter((row) => row.userId === viewer && row.isRead);
    removeNotifications(
      context,
      read.map(({ id }) => id),
    );
    return succeeded("count", read.length);
  },

  setNotificationSetting(context, { type, isEnabled }: { type: string; isEnabled: boolean }) {
    requireAllowed(context, "setNotificationSetting");
    if (["PAYMENT", "COURSE", "SECURITY"].includes(type) && !isEnabled)
      return withUserErrors("notificationSetting", invalid("isEnabled"));
    // Changes of settings are not reverted between operations.
    throw new Unpredictable("setNotificationSetting");
  },

  createCourse(context, input: NewCourseInput) {
    const teacherId = requireAllowed(context, "createCourse");
    const { title, description, level, isFree, price, durationMinutes } = input;
    const { isDraft, idempotencyKey } = input;
    const courseData = {
      title: cleaned(title),
      description: cleaned(description),
      level,
      isFree,
      price: price ?? null,
      durationMinutes,
    };
    const errors = courseErrors(courseData);
    if (idempotencyKey != null && !isIdempotencyKey(idempotencyKey))
      errors.push(invalid("idempotencyKey"));
    if (errors.length > 0) return withUserErrors("course", ...errors);
    // A key outlives the course that it made.
    if (idempotencyKey != null) throw new Unpredictable("createCourse");
    context.createdCount += 1;
    const course = {
      ...courseData,
      id: generated(`id ${context.createdCount}`),
      teacherId,
      state: isDraft ? "DRAFT" : "PUBLISHED",
      withdrawnByAdmin: false,
      price: formatAmount(courseData.price),
      createdAt: generated(`time ${context.createdCount}`),
      time: NOW + BigInt(context.createdCount),
    };
    return succeeded("course", context.tables.Course.put(course));
  },

  updateCourse(context, input: { courseId: string } & Nullable<CourseInput>) {
    const { permissions } = context.referenceContext;
    const course = findVisible(context, input.courseId);
    const outcome = permissions.outcome("Mutation.updateCourse", context.viewer, course?.teacherId);
    // Only teachers learn whether a course exists.
    if (!course && context.viewer.role === "TEACHER")
      return withUserErrors("course", notFound("courseId"));
    if (outcome !== "allowed") throw codedError(outcome);
    if (!course || context.viewer.role !== "TEACHER") throw codedError("FORBIDDEN");

    const isFree = input.isFree ?? course.isFree;
    const updated = {
      title: changed(input.title, course.title),
      description: changed(input.description, course.description),
      level: input.level ?? course.level,
      isFree,
      price: input.price ?? (isFree ? null : course.price),
      durationMinutes: input.durationMinutes ?? course.durationMinutes,
    };
    const errors = courseErrors(updated, course);
    if (errors.length > 0) return withUserErrors("course", ...errors);
    const row = { ...course, ...updated, price: formatAmount(updated.price) };
    return succeeded("course", context.tables.Course.put(row));
  },

  publishCourse(context, { courseId }: { courseId: string }) {
    const course = requireManaged(context, courseId);
    if (!course) return withUserErrors("course", notFound("courseId"));
    const { role, isVerified } = context.viewer;
    const mayPublish = role === "TEACHER" && isVerified && !course.withdrawnByAdmin;
    if (role !== "ADMIN" && !mayPublish) throw codedError("FORBIDDEN");
    if (course.state === "PUBLISHED") return succeeded("course", course);
    const published = { ...course, state: "PUBLISHED", withdrawnByAdmin: false };
    return succeeded("course", context.tables.Course.put(published));
  },

  withdrawCourse(context, { courseId, reason }: { courseId: string; reason?: string | null }) {
    requireSignedIn(context);
    const text = cleaned(reason ?? "");
    if (!isReadable(text, true) || !isWithinLength(text, MAX_WITHDRAWAL_REASON_LENGTH))
      return withUserErrors("course", invalid("reason"));
    const course = requireManaged(context, courseId);
    if (!course) return withUserErrors("course", notFound("courseId"));
    const isByAdmin = context.viewer.id !== course.teacherId;
    if (isByAdmin && text === "") return withUserErrors("course", invalid("reason"));
    if (course.state === "DRAFT")
      return withUserErrors("course", userError("COURSE_IS_DRAFT", "courseId"));
    if (course.state === "WITHDRAWN" && (course.withdrawnByAdmin || !isByAdmin))
      return succeeded("course", course);
    // The teacher is notified.
    if (isByAdmin) throw new Unpredictable("withdrawCourse");
    return succeeded("course", context.tables.Course.put({ ...course, state: "WITHDRAWN" }));
  },

  deleteCourse(context, { courseId }: { courseId: string }) {
    const course = requireManaged(context, courseId);
    if (!course) return withUserErrors("courseId", notFound("courseId"));
    const { Course, Enrollment, Payment, history } = context.tables;
    const isOfCourse = (row: { courseId: string }) => row.courseId === course.id;
    const isTaken =
      Enrollment.all().some(isOfCourse) ||
      // A student who has left was there.
      history.some(isOfCourse) ||
      Payment.all().some((payment) => isOfCourse(payment) && payment.status !== "FAILED");
    if (course.state !== "DRAFT" && isTaken)
      return withUserErrors("courseId", userError("COURSE_HAS_ENROLLMENTS", "courseId"));
    Course.remove(course.id);
    return succeeded("courseId", course.id);
  },

  setEnrollmentStatus(context, { enrollmentId, status }: { enrollmentId: string; status: string }) {
    const viewer = requireAllowed(context, "setEnrollmentStatus");
    const enrollment = context.tables.Enrollment.find(canonicalId(enrollmentId));
    if (enrollment?.studentId !== viewer)
      return withUserErrors("enrollment", notFound("enrollmentId"));
    if (STATUSES.indexOf(status) < STATUSES.indexOf(enrollment.status))
      return withUserErrors("enrollment", userError("INVALID_STATUS_TRANSITION", "status"));
    if (status === enrollment.status) return succeeded("enrollment", enrollment);
    context.createdCount += 1;
    const changedAt = generated(`time ${context.createdCount}`);
    const { studentId, courseId } = enrollment;
    const completedAt = status === "COMPLETED" ? changedAt : enrollment.completedAt;
    context.tables.history.unshift({
      studentId,
      courseId,
      changedById: viewer,
      kind: "STATUS_CHANGED",
      status,
      reason: null,
      changedAt,
    });
    return succeeded(
      "enrollment",
      context.tables.Enrollment.put({ ...enrollment, status, completedAt }),
    );
  },

  leaveCourse(context, { courseId }: { courseId: string }) {
    const viewer = requireAllowed(context, "leaveCourse");
    const course = canonicalId(courseId);
    const isOwn = (row: { studentId: string; courseId: string }) =>
      row.studentId === viewer && row.courseId === course;
    if (!context.tables.Enrollment.all().some(isOwn))
      return withUserErrors("enrollmentId", notFound("courseId"));
    throw new Unpredictable("leaveCourse");
  },

  removeStudent(
    context,
    {
      enrollmentId,
      reason,
      confirmCompletionLoss = false,
    }: { enrollmentId: string; reason: string; confirmCompletionLoss?: boolean },
  ) {
    const viewer = requireAllowed(context, "removeStudent");
    const text = cleaned(reason);
    if (text === "" || !isReadable(text, true) || !isWithinLength(text, MAX_REASON_LENGTH))
      return withUserErrors("enrollmentId", invalid("reason"));
    const enrollment = context.tables.Enrollment.find(canonicalId(enrollmentId));
    const course = context.tables.Course.find(enrollment?.courseId ?? "");
    const isAllowed = context.viewer.role === "ADMIN" || course?.teacherId === viewer;
    if (!enrollment || !isAllowed) return withUserErrors("enrollmentId", notFound("enrollmentId"));
    if (enrollment.status === "COMPLETED" && !confirmCompletionLoss)
      return withUserErrors(
        "enrollmentId",
        userError("COMPLETION_WOULD_BE_LOST", "confirmCompletionLoss"),
      );
    throw new Unpredictable("removeStudent");
  },

  grantEnrollment(context, { courseId, studentId }: { courseId: string; studentId: string }) {
    const viewer = context.viewer;
    if (viewer.role !== "TEACHER" && viewer.role !== "ADMIN") {
      requireAllowed(context, "grantEnrollment");
    }
    const course = findVisible(context, courseId);
    if (!course) return withUserErrors("enrollment", notFound("courseId"));
    if (viewer.role !== "ADMIN" && course.teacherId !== viewer.id) throw codedError("FORBIDDEN");
    if (course.state === "DRAFT") return withUserErrors("enrollment", notFound("courseId"));
    if (course.state === "WITHDRAWN")
      return withUserErrors("enrollment", userError("COURSE_WITHDRAWN", "courseId"));
    const student = canonicalId(studentId);
    if (course.teacherId === student)
      return withUserErrors("enrollment", userError("OWN_COURSE", "studentId"));
    if (!context.tables.User.find(student))
      return withUserErrors("enrollment", notFound("studentId"));
    const isForCourse = (row: { studentId: string; courseId: string }) =>
      row.studentId === student && row.courseId === course.id;
    if (context.tables.Enrollment.all().some(isForCourse))
      return withUserErrors("enrollment", userError("ALREADY_ENROLLED", "studentId"));
    throw new Unpredictable("grantEnrollment");
  },

  verifyTeacher(context, { userId }: { userId: string }) {
    requireAllowed(context, "verifyTeacher");
    const user = context.tables.User.find(canonicalId(userId));
    if (user?.role !== "TEACHER") return withUserErrors("user", notFound("userId"));
    return succeeded("user", context.tables.User.put({ ...user, isVerified: true }));
  },

  unverifyTeacher(context, { userId }: { userId: string }) {
    requireAllowed(context, "unverifyTeacher");
    const user = context.tables.User.find(canonicalId(userId));
    if (user?.role !== "TEACHER") return withUserErrors("user", notFound("userId"));
    return succeeded("user", context.tables.User.put({ ...user, isVerified: false }));
  },

  setUserRole(context, { userId, role }: { userId: string; role: User["role"] }) {
    requireAllowed(context, "setUserRole");
    const user = context.tables.User.find(canonicalId(userId));
    if (!user) return withUserErrors("user", notFound("userId"));
    if (user.role === role) return succeeded("user", user);
    if (user.role === "ADMIN" && !hasOtherAdmin(context, user))
      return withUserErrors("user", userError("LAST_ADMIN", "role"));
    // It ends sessions that other operations may need.
    if (user.role === "ADMIN") throw new Unpredictable("setUserRole");
    return succeeded("user", context.tables.User.put({ ...user, role, isVerified: false }));
  },

  suspendUser(context, { userId }: { userId: string }) {
    requireAllowed(context, "suspendUser");
    const user = context.tables.User.find(canonicalId(userId));
    if (!user) return withUserErrors("user", notFound("userId"));
    if (user.role === "ADMIN" && !user.isSuspended && !hasOtherAdmin(context, user))
      return withUserErrors("user", userError("LAST_ADMIN", "userId"));
    // It ends sessions that other operations may need.
    if (!user.isSuspended) throw new Unpredictable("suspendUser");
    return succeeded("user", user);
  },

  unsuspendUser(context, { userId }: { userId: string }) {
    requireAllowed(context, "unsuspendUser");
    const user = context.tables.User.find(canonicalId(userId));
    if (!user) return withUserErrors("user", notFound("userId"));
    if (user.isSuspended) throw new Unpredictable("unsuspendUser");
    return succeeded("user", user);
  },

  updateProfile(context, { name }: { name?: string | null }) {
    const viewer = requireAllowed(context, "updateProfile");
    const user = context.tables.User.find(viewer);
    const newName = name == null ? undefined : cleaned(name);
    if (newName !== undefined && !isNonEmptyText(newName, MAX_NAME_LENGTH))
      return withUserErrors("user", invalid("name"));
    if (!user) throw codedError("UNAUTHENTICATED");
    return succeeded("user", context.tables.User.put({ ...user, name: newName ?? user.name }));
  },

  /** A random password is never the current one. */
  changePassword(context, { newPassword }: { newPassword: string }) {
    requireAllowed(context, "changePassword");
    const length = [...newPassword].length;
    if (length < MIN_PASSWORD_LENGTH || length > MAX_PASSWORD_LENGTH)
      return withUserErrors("user", invalid("newPassword"));
    throw new Unpredictable("changePassword");
  },

  /** Whether there is an account or not. */
  requestPasswordReset(_context, { email }: { email: string }) {
    const isAddress =
      email.includes("@") && !email.includes("\0") && [...email].length <= MAX_TYPED_EMAIL_LENGTH;
    return { userErrors: isAddress ? [] : [invalid("email")] };
  },

  /** A random token is never that of a mail. */
  resetPassword: () => withUserErrors("user", userError("TOKEN_NOT_VALID", "token")),
  verifyEmail: () => withUserErrors("user", userError("TOKEN_NOT_VALID", "token")),
  confirmEmailChange: () => withUserErrors("user", userError("TOKEN_NOT_VALID", "token")),

  requestEmailVerification(context) {
    const user = context.tables.User.find(requireAllowed(context, "requestEmailVerification"));
    if (!user) throw codedError("UNAUTHENTICATED");
    if (user.isSuspended) return withUserErrors("user", userError("ACCOUNT_SUSPENDED"));
    return succeeded("user", user);
  },

  changeEmail(context, { password }: { password: string }) {
    const user = context.tables.User.find(requireAllowed(context, "changeEmail"));
    if (!user) throw codedError("UNAUTHENTICATED");
    if (!user.hasPassword || password !== PASSWORD)
      return withUserErrors("user", userError("INVALID_CREDENTIALS", "password"));
    throw new Unpredictable("changeEmail");
  },

  setUpSecondFactor(context, { password }: { password: string }) {
    const user = context.tables.User.find(requireAllowed(context, "setUpSecondFactor"));
    if (!user) throw codedError("UNAUTHENTICATED");
    if (!user.hasPassword || password !== PASSWORD)
      return withUserErrors("setup", userError("INVALID_CREDENTIALS", "password"));
    throw new Unpredictable("setUpSecondFactor");
  },

  /** Nobody has a second factor, and nobody sets one up. */
  enableSecondFactor(context) {
    const user = context.tables.User.find(requireAllowed(context, "enableSecondFactor"));
    if (!user) throw codedError("UNAUTHENTICATED");
    const { userErrors } = withUserErrors("user", userError("NOT_FOUND"));
    return { user: null, recoveryCodes: null, userErrors };
  },

  disableSecondFactor(context, { password }: { password: string }) {
    return withUserErrors("user", withoutSecondFactor(context, "disableSecondFactor", password));
  },

  replaceRecoveryCodes(context, { password }: { password: string }) {
    return withUserErrors(
      "recoveryCodes",
      withoutSecondFactor(context, "replaceRecoveryCodes", password),
    );
  },

  /** A random id is never a session's. */
  endSession(context) {
    requireAllowed(context, "endSession");
    return withUserErrors("session", notFound("sessionId"));
  },

  endOtherSessions(context) {
    requireAllowed(context, "endOtherSessions");
    throw new Unpredictable("endOtherSessions");
  },

  enroll(context, { courseId, paymentId }: { courseId: string; paymentId?: string | null }) {
    const studentId = requireAllowed(context, "enroll");
    const course = findVisible(context, courseId);
    if (!course) return withUserErrors("enrollment", notFound("courseId"));
    if (course.teacherId === studentId)
      return withUserErrors("enrollment", userError("OWN_COURSE", "courseId"));
    const isForCourse = (row: { studentId: string; courseId: string }) =>
      row.studentId === studentId && row.courseId === course.id;
    if (context.tables.Enrollment.all().some(isForCourse))
      return withUserErrors("enrollment", userError("ALREADY_ENROLLED"));
    if (paymentId != null) {
      const payment = context.tables.Payment.find(canonicalId(paymentId));
      const isValidPayment = payment && payment.status === "COMPLETED" && isForCourse(payment);
      if (!isValidPayment)
        return withUserErrors("enrollment", userError("PAYMENT_NOT_VALID", "paymentId"));
    } else if (course.state === "WITHDRAWN") {
      return withUserErrors("enrollment", userError("COURSE_WITHDRAWN", "courseId"));
    } else if (!course.isFree) {
      return withUserErrors("enrollment", userError("PAYMENT_REQUIRED"));
    }
    throw new Unpredictable("enroll");
  },

  purchaseCourse(context, { courseId, idempotencyKey, expectedAmount }: PurchaseInput) {
    const studentId = requireAllowed(context, "purchaseCourse");
    const errors = [
      ...(isIdempotencyKey(idempotencyKey) ? [] : ["idempotencyKey"]),
      ...(expectedAmount != null && !isAmount(expectedAmount) ? ["expectedAmount"] : []),
    ];
    if (errors.length > 0) return withUserErrors("payment", ...errors.map(invalid));
    const course = findVisible(context, courseId);
    if (!course) return withUserErrors("payment", notFound("courseId"));
    if (course.teacherId === studentId)
      return withUserErrors("payment", userError("OWN_COURSE", "courseId"));
    if (course.state === "WITHDRAWN")
      return withUserErrors("payment", userError("COURSE_WITHDRAWN", "courseId"));
    if (course.isFree || !(Number(course.price ?? 0) > 0))
      return withUserErrors("payment", userError("COURSE_IS_FREE", "courseId"));
    if (expectedAmount != null && Number(expectedAmount) !== Number(course.price))
      return withUserErrors("payment", userError("PRICE_CHANGED", "expectedAmount"));
    const enrollment = context.tables.Enrollment.all().find(
      (row) => row.studentId === studentId && row.courseId === course.id,
    );
    const isPaid =
      enrollment?.paymentId != null && context.tables.Payment.find(enrollment.paymentId);
    if (enrollment && !isPaid)
      return withUserErrors("payment", userError("ALREADY_ENROLLED", "courseId"));
    throw new Unpredictable("purchaseCourse");
  },

  refundPayment(context, { paymentId, reason }: { paymentId: string; reason?: string | null }) {
    requireAllowed(context, "refundPayment");
    const text = cleaned(reason ?? "");
    if (!isReadable(text, true) || !isWithinLength(text, MAX_REASON_LENGTH))
      return withUserErrors("payment", invalid("reason"));
    const payment = context.tables.Payment.find(canonicalId(paymentId));
    if (!payment) return withUserErrors("payment", notFound("paymentId"));
    if (payment.status === "COMPLETED") throw new Unpredictable("refundPayment");
    return withUserErrors("payment", userError("NOT_REFUNDABLE", "paymentId"));
  },

  republishPayment(context, { paymentId }: { paymentId: string }) {
    requireAllowed(context, "republishPayment");
    const payment = context.tables.Payment.find(canonicalId(paymentId));
    if (!payment) return withUserErrors("payment", notFound("paymentId"));
    if (!["PENDING", "FAILED"].includes(payment.status))
      throw new Unpredictable("republishPayment");
    return withUserErrors("payment", invalid("paymentId"));
  },

  register({ tables }, { email, password, name }: SignUp) {
    const length = [...password].length;
    const errors = [
      ...(isEmail(email) ? [] : ["email"]),
      ...(length < MIN_PASSWORD_LENGTH || length > MAX_PASSWORD_LENGTH ? ["password"] : []),
      ...(isNonEmptyText(cleaned(name), MAX_NAME_LENGTH) ? [] : ["name"]),
    ];
    if (errors.length > 0) return signInFailed(errors.map(invalid));
    if (tables.User.all().some((user) => user.email === email.trim().toLowerCase()))
      return signInFailed([userError("EMAIL_TAKEN", "email")]);
    throw new Unpredictable("register");
  },

  login(context, { email, password }: Pick<SignUp, "email" | "password">) {
    const lowerCaseEmail = email.trim().toLowerCase();
    const user = context.tables.User.all().find((one) => one.email === lowerCaseEmail);
    if (!user?.hasPassword || password !== PASSWORD)
      return signInFailed([userError("INVALID_CREDENTIALS")]);
    if (user.isSuspended) return signInFailed([userError("ACCOUNT_SUSPENDED")]);
    context.createdCount += 1;
    const session = {
      accessToken: generated(`access token ${context.createdCount}`),
      refreshToken: generated(`refresh token ${context.createdCount}`),
      expiresAt: generated(`end ${context.createdCount}`),
      tokenType: "Bearer",
    };
    return { session, user: { ...user, through: "Mutation.login" }, userErrors: [] };
  },

  /** A random token never belongs to a session. */
  logout: () => ({ userErrors: [] }),
  refreshSession: () => withUserErrors("session", userError("SESSION_EXPIRED")),
};

/** Returns the id of the viewer, or throws if the mutation is not allowed. */
function requireAllowed({ referenceContext, viewer }: ExecutionContext, field: string): string {
  const outcome = referenceContext.permissions.outcome(`Mutation.${field}`, viewer);
  if (outcome !== "allowed") throw codedError(outcome);
  return viewer.id ?? "";
}

function removeNotifications({ tables }: ExecutionContext, ids: string[]): void {
  for (const id of ids) {
    const row = tables.Notification.find(id);
    if (row) tables.deletedNotifications.set(id, row);
    tables.Notification.remove(id);
  }
}

function hasOtherAdmin({ tables }: ExecutionContext, user: User): boolean {
  return tables.User.all().some(
    (other) => other.role === "ADMIN" && !other.isSuspended && other.id !== user.id,
  );
}

/** Why a user without a second factor cannot change it. */
function withoutSecondFactor(
  context: ExecutionContext,
  mutation: string,
  password: string,
): UserError {
  const user = context.tables.User.find(requireAllowed(context, mutation));
  if (!user) throw codedError("UNAUTHENTICATED");
  const isRight = user.hasPassword && password === PASSWORD;
  return isRight
    ? userError("SECOND_FACTOR_NOT_ENABLED")
    : userError("INVALID_CREDENTIALS", "password");
}

function requireSignedIn({ viewer }: ExecutionContext): void {
  if (viewer.id === null) throw codedError("UNAUTHENTICATED");
}

/** The course, if the viewer may see it. */
function findVisible({ tables, viewer }: ExecutionContext, id: string): Course | undefined {
  const course = tables.Course.find(canonicalId(id));
  return course && isVisible(course, viewer) ? course : undefined;
}

/** The course, if the viewer may see it; throws if they may not publish, withdraw or delete it. */
function requireManaged(context: ExecutionContext, id: string): Course | undefined {
  requireSignedIn(context);
  const course = findVisible(context, id);
  if (course && !isManager(course, context.viewer)) throw codedError("FORBIDDEN");
  return course;
}

function succeeded(member: string, value: unknown) {
  return { [member]: value, userErrors: [] };
}

function withUserErrors(member: string, ...userErrors: UserError[]) {
  return { [member]: null, userErrors };
}

function userError(code: string, field?: string): UserError {
  return { code, field: field === undefined ? [] : ["input", field], message: ANY_TEXT };
}

function signInFailed(userErrors: UserError[]) {
  return { session: null, user: null, userErrors };
}

const invalid = (field: string) => userError("INVALID_INPUT", field);
const notFound = (field: string) => userError("NOT_FOUND", field);

/** In the order in which the system reports them. */
function courseErrors(
  course: Pick<Course, "title" | "description" | "isFree" | "price" | "durationMinutes">,
  /** The course before a change: texts that it keeps may break the rules. */
  old?: Course,
): UserError[] {
  const { title, description, isFree, price, durationMinutes } = course;
  const isTitle = title === old?.title || isNonEmptyText(title, MAX_TITLE_LENGTH);
  const isDescription =
    description === old?.description ||
    (isReadable(description, true) && isWithinLength(description, MAX_DESCRIPTION_LENGTH));
  return [
    ...(isTitle ? [] : ["title"]),
    ...(isDescription ? [] : ["description"]),
    ...(durationMinutes < 0 ? ["durationMinutes"] : []),
    ...((price === null) !== isFree || (price !== null && !isAmount(price)) ? ["price"] : []),
  ].map(invalid);
}

function isNonEmptyText(text: string, maxLength: number): boolean {
  return isReadable(text, false) && text !== "" && isWithinLength(text, maxLength);
}

function isIdempotencyKey(text: string): boolean {
  return text !== "" && !text.includes("\0") && isWithinLength(text, MAX_IDEMPOTENCY_KEY_LENGTH);
}

/** A text as it is stored. */
function cleaned(text: string): string {
  return text.trim().normalize("NFC").replaceAll("\r\n", "\n");
}

function changed(text: string | null | undefined, old: string): string {
  return text == null || text === old ? old : cleaned(text);
}

function isWithinLength(text: string, length: number): boolean {
  return [...text].length <= length;
}

/** Without controls, and with something to see unless it is empty. (The values have no bidirectional overrides.) */
function isReadable(text: string, isMultiline: boolean): boolean {
  const controls = isMultiline ? /(?![\n\t])\p{Cc}/u : /\p{Cc}/u;
  return !controls.test(text) && !/^[\p{Cf}\s]+$/u.test(text);
}

function isEmail(text: string): boolean {
  const email = text.trim();
  return [...email].length <= MAX_NAME_LENGTH && /^[\w.]+@\w+(\.\w+)+$/.test(email);
}

export function isAmount(text: string, { isFreeAllowed = false } = {}): boolean {
  const isDecimal = /^\d+(\.\d{1,2}0*)?$/.test(text);
  return isDecimal && (isFreeAllowed || Number(text) > 0) && Number(text) <= MAX_AMOUNT;
}

/** With two decimals, as amounts are stored. */
function formatAmount(price: string | null): string | null {
  if (price === null) return null;
  const [whole, cents = ""] = price.split(".");
  return `${BigInt(whole ?? 0)}.${cents.slice(0, 2).padEnd(2, "0")}`;
}
