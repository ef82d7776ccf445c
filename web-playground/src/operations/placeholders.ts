import { findSampleUser, useSettings } from '../network/playground-settings';
import { send } from '../network/send';
import { sendAsViewer } from '../session/send-as-viewer';
import { useSession } from '../session/session';

type Lookup = () => Promise<string | undefined>;

/** The placeholders, as `operations/README.md` documents them. */
const LOOKUPS: Record<string, Lookup> = {
  firstCourseId: async () => (await firstCourse())?.id,
  firstTeacherId: async () => (await firstCourse())?.teacher?.id,
  ownCourseId: () => ownCourse('first: 1, state: PUBLISHED'),
  lastOwnCourseId: () => ownCourse('last: 1'),
  ownDraftId: () => ownCourse('first: 1, state: DRAFT'),
  unboughtCourseId: () => courseToEnroll(false),
  completedPaymentId,
  freeCourseId: () => courseToEnroll(true),
  unverifiedTeacherId,
  otherTeacherId,
  newestNotificationId: () => ownNotification('first: 1'),
  oldestNotificationId: () => ownNotification('last: 1'),
  joinedCourseId,
  joinedEnrollmentId,
  ownCourseEnrollmentId,
  studentEmail: async () => findSampleUser(useSettings.getState().samples, 'Student')?.email,
  studentPassword: async () => findSampleUser(useSettings.getState().samples, 'Student')?.password,
  unique: async () => Date.now().toString(36),
};

/** The placeholders in a text. */
export function placeholdersIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? ''))];
}

/** Replaces placeholders with values; one without a value is kept, for the user to fill in. */
export async function fillPlaceholders(variables: string, lookups = LOOKUPS): Promise<string> {
  let filled = variables;
  for (const name of placeholdersIn(variables)) {
    const value = await lookups[name]?.().catch(() => undefined);
    if (value !== undefined) filled = filled.replaceAll(`{{${name}}}`, escapeJson(value));
  }
  return filled;
}

function escapeJson(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

interface FirstCourse {
  courses: { nodes: { id: string; teacher: { id: string } | null }[] } | null;
}

async function firstCourse() {
  const response = await send<FirstCourse>({
    query: '{ courses(first: 1) { nodes { id teacher { id } } } }',
  });
  return response.data?.courses?.nodes[0];
}

interface OwnCourse {
  me: { courses: { nodes: { id: string }[] } | null } | null;
}

async function ownCourse(page: string) {
  const data = await queryAsViewer<OwnCourse>(`{ me { courses(${page}) { nodes { id } } } }`);
  return data?.me?.courses?.nodes[0]?.id;
}

interface Courses {
  courses: { nodes: { id: string; viewerEnrollment: { id: string } | null }[] } | null;
}

/** A course in which the signed-in student is not enrolled. */
async function courseToEnroll(isFree: boolean) {
  const data = await queryAsViewer<Courses>(
    `{ courses(first: 100, filter: { isFree: ${isFree} }) { nodes { id viewerEnrollment { id } } } }`,
  );
  return data?.courses?.nodes.find((course) => !course.viewerEnrollment)?.id;
}

interface CompletedPayments {
  payments: { nodes: { id: string }[] } | null;
}

async function completedPaymentId() {
  const data = await queryAsViewer<CompletedPayments>(
    '{ payments(last: 1, status: COMPLETED) { nodes { id } } }',
  );
  return data?.payments?.nodes[0]?.id;
}

interface UnverifiedTeachers {
  unverifiedTeachers: { nodes: { id: string }[] } | null;
}

async function unverifiedTeacherId() {
  const data = await queryAsViewer<UnverifiedTeachers>('{ unverifiedTeachers(last: 1) { nodes { id } } }');
  return data?.unverifiedTeachers?.nodes[0]?.id;
}

interface Teachers {
  me: { id: string } | null;
  courses: { nodes: { teacher: { id: string } | null }[] } | null;
}

async function otherTeacherId() {
  const data = await queryAsViewer<Teachers>(
    '{ me { id } courses(first: 100) { nodes { teacher { id } } } }',
  );
  const teachers = data?.courses?.nodes.map((course) => course.teacher?.id);
  return teachers?.find((id) => id !== undefined && id !== data?.me?.id);
}

interface OwnNotification {
  me: { notifications: { nodes: { id: string }[] } | null } | null;
}

async function ownNotification(page: string) {
  const data = await queryAsViewer<OwnNotification>(`{ me { notifications(${page}) { nodes { id } } } }`);
  return data?.me?.notifications?.nodes[0]?.id;
}

interface JoinedEnrollments {
  me: { enrollments: { nodes: { id: string; status: string }[] } | null } | null;
}

async function joinedEnrollmentId() {
  const data = await queryAsViewer<JoinedEnrollments>(
    '{ me { enrollments(last: 100) { nodes { id status } } } }',
  );
  return data?.me?.enrollments?.nodes.findLast(({ status }) => status !== 'COMPLETED')?.id;
}

interface JoinedCourses {
  me: { enrollments: { nodes: { course: { id: string } | null }[] } | null } | null;
}

async function joinedCourseId() {
  const data = await queryAsViewer<JoinedCourses>(
    '{ me { enrollments(first: 1) { nodes { course { id } } } } }',
  );
  return data?.me?.enrollments?.nodes[0]?.course?.id;
}

interface OwnCourseEnrollments {
  me: { courses: { nodes: { enrollments: { nodes: { id: string }[] } | null }[] } | null } | null;
}

async function ownCourseEnrollmentId() {
  const data = await queryAsViewer<OwnCourseEnrollments>(
    '{ me { courses(first: 1, state: PUBLISHED) { nodes { enrollments(first: 1) { nodes { id } } } } } }',
  );
  return data?.me?.courses?.nodes[0]?.enrollments?.nodes[0]?.id;
}

/** Runs a query on behalf of the signed-in user. */
async function queryAsViewer<Data>(query: string) {
  if (!useSession.getState().session) return undefined;
  const { response } = await sendAsViewer<Data>({ query });
  return response.data;
}
