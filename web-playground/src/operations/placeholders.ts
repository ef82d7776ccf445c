import { findSample, useSettings } from '../network/playground-settings';
import { send } from '../network/send';
import { accessToken } from '../session/session';

type Lookup = () => Promise<string | undefined>;

/** What `operations/README.md` promises for each placeholder. */
const LOOKUPS: Record<string, Lookup> = {
  firstCourseId: async () => (await firstCourse())?.id,
  firstTeacherId: async () => (await firstCourse())?.teacher?.id,
  ownCourseId,
  unboughtCourseId: () => courseToTake(false),
  completedPaymentId,
  freeCourseId: () => courseToTake(true),
  unverifiedTeacherId,
  studentEmail: async () => findSample(useSettings.getState().samples, 'Student')?.email,
  studentPassword: async () => findSample(useSettings.getState().samples, 'Student')?.password,
  unique: async () => Date.now().toString(36),
};

/** Puts values in for placeholders; one without a value stays, for its reader to fill in. */
export async function fillPlaceholders(variables: string, lookups = LOOKUPS): Promise<string> {
  const names = new Set([...variables.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? ''));
  let filled = variables;
  for (const name of names) {
    const value = await lookups[name]?.().catch(() => undefined);
    if (value !== undefined) filled = filled.replaceAll(`{{${name}}}`, inJsonString(value));
  }
  return filled;
}

function inJsonString(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

interface FirstCourse {
  courses: { nodes: { id: string; teacher: { id: string } | null }[] } | null;
}

async function firstCourse() {
  const reply = await send<FirstCourse>({ query: '{ courses(first: 1) { nodes { id teacher { id } } } }' });
  return reply.data?.courses?.nodes[0];
}

interface OwnCourse {
  me: { courses: { nodes: { id: string }[] } | null } | null;
}

async function ownCourseId() {
  const data = await ask<OwnCourse>('{ me { courses(first: 1) { nodes { id } } } }');
  return data?.me?.courses?.nodes[0]?.id;
}

interface Courses {
  courses: { nodes: { id: string; viewerEnrollment: { id: string } | null }[] } | null;
}

/** A course on which the signed-in student is not. */
async function courseToTake(isFree: boolean) {
  const data = await ask<Courses>(
    `{ courses(first: 100, filter: { isFree: ${isFree} }) { nodes { id viewerEnrollment { id } } } }`,
  );
  return data?.courses?.nodes.find((course) => !course.viewerEnrollment)?.id;
}

interface CompletedPayments {
  payments: { nodes: { id: string }[] } | null;
}

async function completedPaymentId() {
  const data = await ask<CompletedPayments>('{ payments(last: 1, status: COMPLETED) { nodes { id } } }');
  return data?.payments?.nodes[0]?.id;
}

interface UnverifiedTeachers {
  unverifiedTeachers: { nodes: { id: string }[] } | null;
}

async function unverifiedTeacherId() {
  const data = await ask<UnverifiedTeachers>('{ unverifiedTeachers(last: 1) { nodes { id } } }');
  return data?.unverifiedTeachers?.nodes[0]?.id;
}

/** What the person who is signed in gets to see. */
async function ask<Data>(query: string) {
  const token = accessToken();
  if (!token) return undefined;
  const reply = await send<Data>({ query }, { authorization: `Bearer ${token}` });
  return reply.data;
}
