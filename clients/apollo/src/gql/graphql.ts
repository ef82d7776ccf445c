/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** The previous knowledge that a course expects. */
export type CourseLevel =
  /** For people who already work in the field. */
  | 'ADVANCED'
  /** For people without previous knowledge. */
  | 'BEGINNER'
  /** For people who know the basics. */
  | 'INTERMEDIATE';

/** The progress of a student in a course, in this order: `ENROLLED`, `IN_PROGRESS`, `COMPLETED`. */
export type EnrollmentStatus =
  /** The student has completed the course. */
  | 'COMPLETED'
  /** The student is enrolled and has not started yet. */
  | 'ENROLLED'
  /** The student has started the course. */
  | 'IN_PROGRESS';

/** The credentials of a user who signs in. */
export type LoginInput = {
  /** The e-mail address of the account, in any letter case. Blanks around it are ignored. */
  email: string;
  /** The password of the account. */
  password: string;
  /**
   * For an account with a second factor: the code of 6 digits that the authenticator app shows, or a recovery code. Each
   * works once. Without it, such an account is `SECOND_FACTOR_REQUIRED`. Other accounts ignore it.
   */
  secondFactorCode?: string | null | undefined;
};

/** The kind of event that a notification tells about. */
export type NotificationType =
  /** An admin has withdrawn a course that the user teaches. */
  | 'COURSE'
  /** The user was enrolled in a course, or an enrollment was revoked. */
  | 'ENROLLMENT'
  /** The user has paid for a course, or was refunded. */
  | 'PAYMENT'
  /** The user has created an account. */
  | 'REGISTRATION'
  /**
   * What concerns the security of the account: somebody has signed in to it from where the user has not signed in
   * before, or an export of its data is ready.
   */
  | 'SECURITY';

/** The state of a payment. */
export type PaymentStatus =
  /** The payment was charged. */
  | 'COMPLETED'
  /** The payment was declined; nothing was charged. */
  | 'FAILED'
  /** The outcome of the charge is not known yet. */
  | 'PENDING'
  /** The payment was refunded. */
  | 'REFUNDED';

/** The course to buy. */
export type PurchaseCourseInput = {
  /** The id of the course, which must not be free. */
  courseId: string | number;
  /**
   * The price that the student was shown: the purchase is rejected if the course has another price. More than 0 and
   * at most 9999999999.99, with at most two decimals. If it is left out, any price is accepted.
   */
  expectedAmount?: string | null | undefined;
  /**
   * A key that the client generates for each new purchase and repeats when it retries that purchase; 1 to 255
   * characters.
   */
  idempotencyKey: string;
};

/** The session to refresh. */
export type RefreshSessionInput = {
  /** The most recent refresh token of the session. */
  refreshToken: string;
};

/** The account to create. */
export type RegisterInput = {
  /**
   * The e-mail address with which the user signs in, at most 255 characters, in any letter case. Blanks around it are
   * ignored, and its domain is stored in ASCII (punycode).
   */
  email: string;
  /** The name that other users see, 1 to 255 characters. */
  name: string;
  /**
   * The password, 8 to 128 characters. In any letter case, it must not be the e-mail address, the part of it before
   * the `@`, or one of the 10,000 most common passwords.
   */
  password: string;
  /** The role of the new user. */
  role?: SignUpRole;
};

/** A role that a user can choose when signing up. */
export type SignUpRole =
  /** The user takes courses. */
  | 'STUDENT'
  /** The user teaches courses, once an admin has verified the account. */
  | 'TEACHER';

/** A reason why a mutation was rejected. */
export type UserErrorCode =
  /** An admin has suspended the account; its owner cannot sign in. */
  | 'ACCOUNT_SUSPENDED'
  /** The student is already enrolled in this course. */
  | 'ALREADY_ENROLLED'
  /** The student has already bought this course, or a payment for it is pending. */
  | 'ALREADY_PURCHASED'
  /** The student has completed the course, and the mutation takes the completion away; it needs a confirmation. */
  | 'COMPLETION_WOULD_BE_LOST'
  /** Somebody has enrolled in the course or paid for it, so it cannot be deleted. */
  | 'COURSE_HAS_ENROLLMENTS'
  /** The course is a draft, which nobody but its teacher and admins can see. It can be published or deleted. */
  | 'COURSE_IS_DRAFT'
  /** A free course cannot be bought. */
  | 'COURSE_IS_FREE'
  /** The course was withdrawn: it cannot be bought any more, and only students who have paid for it can enroll. */
  | 'COURSE_WITHDRAWN'
  /** Another account has this e-mail address. */
  | 'EMAIL_TAKEN'
  /** The idempotency key was used before with different input. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** No account has this e-mail address and password, or the current password of the account is another one. */
  | 'INVALID_CREDENTIALS'
  /** A field of the input is invalid; `field` says which one. */
  | 'INVALID_INPUT'
  /** The new status is earlier than the current one. */
  | 'INVALID_STATUS_TRANSITION'
  /** The user is the last admin who can sign in, and must remain one. */
  | 'LAST_ADMIN'
  /** The input refers to an object that does not exist or that the signed-in user may not access. */
  | 'NOT_FOUND'
  /** The payment cannot be refunded in its current state. */
  | 'NOT_REFUNDABLE'
  /** The user teaches the course, and can neither enroll in it nor buy it. */
  | 'OWN_COURSE'
  /** The payment is not the student's own, is not for this course, is not completed, or was already used. */
  | 'PAYMENT_NOT_VALID'
  /** The course is not free; it must be bought first. */
  | 'PAYMENT_REQUIRED'
  /** The price of the course is not the expected one. */
  | 'PRICE_CHANGED'
  /** The account has a second factor already. */
  | 'SECOND_FACTOR_ENABLED'
  /** The account has no second factor. */
  | 'SECOND_FACTOR_NOT_ENABLED'
  /** The password is right, but signing in to the account needs its second factor, too: repeat it with `secondFactorCode`. */
  | 'SECOND_FACTOR_REQUIRED'
  /** The session has ended; sign in again. */
  | 'SESSION_EXPIRED'
  /** The user teaches courses that are in the catalogue; they must be withdrawn or deleted before the account is. */
  | 'TEACHES_COURSES'
  /** The token of a mail's link does not work: it was used before, has expired, or another one has replaced it. */
  | 'TOKEN_NOT_VALID'
  /**
   * The enrollment has begun too often, or the teacher has enrolled students too often; the message says when it is
   * possible again.
   */
  | 'TOO_MANY_CHANGES'
  /** The teacher has too many drafts: one of them has to be published or deleted first. */
  | 'TOO_MANY_DRAFTS'
  /** The code is neither a current one of the authenticator app nor an unused recovery code, or was used before. */
  | 'WRONG_SECOND_FACTOR';

export type PaidCoursesQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type PaidCoursesQuery = { courses: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, nodes: Array<{ id: string, title: string, price: string | null }> } | null };

export type MeQueryVariables = Exact<{ [key: string]: never; }>;


export type MeQuery = { me: { id: string, name: string } | null };

export type StudentHomeQueryVariables = Exact<{ [key: string]: never; }>;


export type StudentHomeQuery = { me: { id: string, name: string, unreadNotificationCount: number | null, enrollments: { totalCount: number | null, nodes: Array<{ id: string, status: EnrollmentStatus, enrolledAt: string, course: { id: string, title: string, level: CourseLevel, durationMinutes: number, teacher: { id: string, name: string } | null } | null, payment: { id: string, amount: string, status: PaymentStatus } | null }> } | null, notifications: { nodes: Array<{ id: string, type: NotificationType, title: string, isRead: boolean, createdAt: string }> } | null } | null };

export type SignUpMutationVariables = Exact<{
  input: RegisterInput;
}>;


export type SignUpMutation = { register: { session: { accessToken: string, refreshToken: string } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> }> } | null };

export type SignInMutationVariables = Exact<{
  input: LoginInput;
}>;


export type SignInMutation = { login: { session: { accessToken: string, refreshToken: string } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> }> } | null };

export type RefreshSessionMutationVariables = Exact<{
  input: RefreshSessionInput;
}>;


export type RefreshSessionMutation = { refreshSession: { session: { accessToken: string, refreshToken: string } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> }> } | null };

export type TokensFragment = { accessToken: string, refreshToken: string };

export type PurchaseCourseMutationVariables = Exact<{
  input: PurchaseCourseInput;
}>;


export type PurchaseCourseMutation = { purchaseCourse: { payment: { id: string, status: PaymentStatus } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> }> } | null };

export type LatestNotificationsQueryVariables = Exact<{ [key: string]: never; }>;


export type LatestNotificationsQuery = { me: { id: string, notifications: { nodes: Array<{ id: string, title: string, body: string }> } | null } | null };

export type NotificationAddedSubscriptionVariables = Exact<{
  after?: string | number | null | undefined;
}>;


export type NotificationAddedSubscription = { notificationAdded: { id: string, title: string, body: string } };

export const TokensFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Tokens"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Session"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessToken"}},{"kind":"Field","name":{"kind":"Name","value":"refreshToken"}}]}}]} as unknown as DocumentNode<TokensFragment, unknown>;
export const PaidCoursesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PaidCourses"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"courses"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"isFree"},"value":{"kind":"BooleanValue","value":false}}]}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"EnumValue","value":"TITLE"}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"price"}}]}}]}}]}}]} as unknown as DocumentNode<PaidCoursesQuery, PaidCoursesQueryVariables>;
export const MeDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Me"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"me"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]} as unknown as DocumentNode<MeQuery, MeQueryVariables>;
export const StudentHomeDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"StudentHome"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"me"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"unreadNotificationCount"}},{"kind":"Field","name":{"kind":"Name","value":"enrollments"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"20"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"enrolledAt"}},{"kind":"Field","name":{"kind":"Name","value":"course"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"level"}},{"kind":"Field","name":{"kind":"Name","value":"durationMinutes"}},{"kind":"Field","name":{"kind":"Name","value":"teacher"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"payment"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"notifications"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"10"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"isRead"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}}]}}]}}]}}]}}]} as unknown as DocumentNode<StudentHomeQuery, StudentHomeQueryVariables>;
export const SignUpDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"SignUp"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RegisterInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"register"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"session"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Tokens"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Tokens"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Session"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessToken"}},{"kind":"Field","name":{"kind":"Name","value":"refreshToken"}}]}}]} as unknown as DocumentNode<SignUpMutation, SignUpMutationVariables>;
export const SignInDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"SignIn"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"LoginInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"login"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"session"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Tokens"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Tokens"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Session"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessToken"}},{"kind":"Field","name":{"kind":"Name","value":"refreshToken"}}]}}]} as unknown as DocumentNode<SignInMutation, SignInMutationVariables>;
export const RefreshSessionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RefreshSession"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RefreshSessionInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"refreshSession"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"session"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Tokens"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Tokens"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Session"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessToken"}},{"kind":"Field","name":{"kind":"Name","value":"refreshToken"}}]}}]} as unknown as DocumentNode<RefreshSessionMutation, RefreshSessionMutationVariables>;
export const PurchaseCourseDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"PurchaseCourse"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"PurchaseCourseInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"purchaseCourse"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"payment"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}}]} as unknown as DocumentNode<PurchaseCourseMutation, PurchaseCourseMutationVariables>;
export const LatestNotificationsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"LatestNotifications"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"me"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"notifications"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"20"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"body"}}]}}]}}]}}]}}]} as unknown as DocumentNode<LatestNotificationsQuery, LatestNotificationsQueryVariables>;
export const NotificationAddedDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"NotificationAdded"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"notificationAdded"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"body"}}]}}]}}]} as unknown as DocumentNode<NotificationAddedSubscription, NotificationAddedSubscriptionVariables>;