import type {
  CourseLevel,
  CourseState,
  EnrollmentStatus,
  NotificationType,
  PaymentStatus,
} from '../gql/graphql';

/** The currency of all prices; the graph has amounts only. */
const CURRENCY = 'EUR';
const money = new Intl.NumberFormat('en-IE', { style: 'currency', currency: CURRENCY });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const month = new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' });
const count = new Intl.NumberFormat('en-GB');
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export const LEVELS: Record<CourseLevel, string> = {
  BEGINNER: 'Beginner',
  INTERMEDIATE: 'Intermediate',
  ADVANCED: 'Advanced',
};
export const STATES: Record<CourseState, string> = {
  DRAFT: 'Draft',
  PUBLISHED: 'On sale',
  WITHDRAWN: 'Withdrawn',
};
export const PROGRESS: Record<EnrollmentStatus, string> = {
  ENROLLED: 'Not started',
  IN_PROGRESS: 'In progress',
  COMPLETED: 'Completed',
};
export const PAYMENTS: Record<PaymentStatus, string> = {
  COMPLETED: 'Paid',
  FAILED: 'Declined',
  PENDING: 'Being confirmed',
  REFUNDED: 'Refunded',
};
export const NOTIFICATION_TYPES: Record<NotificationType, string> = {
  COURSE: 'Courses I teach',
  ENROLLMENT: 'Courses I take',
  PAYMENT: 'Payments',
  REGISTRATION: 'My account',
  SECURITY: 'Security',
};

export function price(course: { isFree: boolean; price: string | null }): string {
  return course.isFree || course.price === null ? 'Free' : euros(course.price);
}

export function euros(amount: string): string {
  return money.format(Number(amount)).replace(/\.00$/, '');
}

export function duration(minutes: number): string {
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

export function students(number: number | null): string {
  if (number === null) return '';
  return number === 1 ? '1 student' : `${count.format(number)} students`;
}

export function number(value: number): string {
  return count.format(value);
}

export function onDay(time: string): string {
  return day.format(new Date(time));
}

export function at(time: string): string {
  return moment.format(new Date(time));
}

/** The name of a month such as `2026-01`. */
export function monthName(text: string): string {
  return month.format(new Date(`${text}-01T00:00:00Z`));
}

export function ago(time: string, now = Date.now()): string {
  const seconds = Math.min(0, (Date.parse(time) - now) / 1000);
  if (seconds > -45) return 'just now';
  if (seconds > -3_600) return relative.format(Math.round(seconds / 60), 'minute');
  if (seconds > -86_400) return relative.format(Math.round(seconds / 3_600), 'hour');
  if (seconds > -7 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day');
  return onDay(time);
}

/** The last `length` months up to `now`, as `2026-01`, oldest first. */
export function lastMonths(length: number, now = new Date()): string[] {
  return Array.from({ length }, (_, index) => {
    const start = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (length - 1 - index), 1));
    return start.toISOString().slice(0, 7);
  });
}

/** The client of a session, as people call it. */
export function deviceName(agent: string | null): string {
  if (!agent) return 'An unknown device';
  const browser = ['Edg', 'Firefox', 'Chrome', 'Safari'].find((name) => agent.includes(`${name}/`));
  const system = ['iPhone', 'iPad', 'Android', 'Windows', 'Mac OS', 'Linux'].find((name) =>
    agent.includes(name),
  );
  if (!browser) return agent.split(' ')[0] ?? agent;
  const name = browser === 'Edg' ? 'Edge' : browser;
  return system ? `${name} on ${system === 'Mac OS' ? 'macOS' : system}` : name;
}
