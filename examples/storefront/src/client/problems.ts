import type { CombinedError } from '@urql/core';
import type { UserErrorCode } from '../gql/graphql';

/** What went wrong, in words for a person, and at which field of a form. */
export interface Problem {
  code: string;
  text: string;
  field?: string;
}

interface UserError {
  code: UserErrorCode;
  message: string;
  field: string[];
}

/** Codes that servers newer than `src/gql/` may send. */
type Coming =
  | 'SECOND_FACTOR_ENABLED'
  | 'SECOND_FACTOR_NOT_ENABLED'
  | 'SECOND_FACTOR_REQUIRED'
  | 'TOO_MANY_DRAFTS'
  | 'WRONG_SECOND_FACTOR';

/** A sentence for each code; those of single fields are said by the server, which knows the rule. */
const BY_CODE: Record<UserErrorCode | Coming, string | null> = {
  ACCOUNT_SUSPENDED: 'This account is suspended. Please write to us.',
  ALREADY_ENROLLED: 'You are already on this course.',
  ALREADY_PURCHASED: 'You have already bought this course, or a payment for it is under way.',
  COMPLETION_WOULD_BE_LOST: 'The student has completed the course and would lose that.',
  COURSE_HAS_ENROLLMENTS: 'Somebody is on this course or has paid for it. You can withdraw it instead.',
  COURSE_IS_DRAFT: 'This course is still a draft. Publish it first.',
  COURSE_IS_FREE: 'This course is free now: you can simply join.',
  COURSE_WITHDRAWN: 'This course is no longer on sale.',
  EMAIL_TAKEN: 'There is an account with this e-mail address already. Do you want to sign in?',
  IDEMPOTENCY_KEY_REUSED:
    'This form was sent before with other contents. Please reload the page and try again.',
  INVALID_CREDENTIALS: 'The e-mail address and the password do not belong together.',
  INVALID_INPUT: null,
  INVALID_STATUS_TRANSITION: 'You have got further on this course already.',
  LAST_ADMIN: 'You are the last administrator and have to stay one.',
  NOT_FOUND: 'We cannot find that. It may have been removed meanwhile.',
  NOT_REFUNDABLE: 'This payment cannot be refunded.',
  OWN_COURSE: 'This is your own course.',
  PAYMENT_NOT_VALID: 'That payment cannot be used for this course.',
  PAYMENT_REQUIRED: 'This course has to be bought first.',
  PRICE_CHANGED: 'The price has just changed. Please look at the new one.',
  SECOND_FACTOR_ENABLED: 'Your account asks for a code already.',
  SECOND_FACTOR_NOT_ENABLED: 'Your account asks for no code.',
  SECOND_FACTOR_REQUIRED: 'Please enter the code that your authenticator app shows.',
  SESSION_EXPIRED: 'Your session has ended. Please sign in again.',
  TEACHES_COURSES: 'You teach courses that are on sale. Withdraw or delete them first.',
  TOKEN_NOT_VALID: 'This link does not work any more: it was used, has expired, or a newer one was sent.',
  TOO_MANY_CHANGES: null,
  TOO_MANY_DRAFTS: null,
  WRONG_SECOND_FACTOR: 'That code is not the right one, or was used before.',
};

export function ofUserErrors(errors: UserError[]): Problem[] {
  return errors.map(({ code, message, field }) => {
    const at = field.at(-1);
    return { code, text: BY_CODE[code] ?? sentence(message), ...(at ? { field: at } : {}) };
  });
}

/** What to say about an error of the whole request, or of a part of it. */
export function ofError(error: CombinedError): Problem {
  const [first] = error.graphQLErrors;
  if (!first)
    return { code: 'NETWORK', text: 'We cannot reach the server. Check your connection, then try again.' };
  const { code, retryAfter } = first.extensions as { code?: string; retryAfter?: number };
  return { code: code ?? 'UNKNOWN', text: words(code, retryAfter, first.message) };
}

/** Whether it is about an id that is none: then there is nothing at the address. */
export function isBadId(error: CombinedError | undefined): boolean {
  return error?.graphQLErrors[0]?.extensions?.code === 'BAD_USER_INPUT';
}

function words(code: string | undefined, retryAfter: number | undefined, message: string): string {
  switch (code) {
    case 'UNAUTHENTICATED':
      return 'Please sign in to see this.';
    case 'FORBIDDEN':
      return 'Your account may not do this.';
    case 'RATE_LIMITED':
      return `That was a little too often. Please try again ${waiting(retryAfter)}.`;
    case 'SERVICE_UNAVAILABLE':
      return 'A part of the shop does not answer at the moment. Please try again shortly.';
    case 'BAD_USER_INPUT':
      return sentence(message);
    default:
      return 'Something went wrong on our side. Please try again; if it stays so, write to us.';
  }
}

function waiting(seconds: number | undefined): string {
  if (!seconds) return 'in a moment';
  if (seconds < 90) return `in ${Math.ceil(seconds)} seconds`;
  return `in ${Math.ceil(seconds / 60)} minutes`;
}

function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
