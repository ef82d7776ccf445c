import type { OperationTypeNode } from 'graphql';
import descriptions from './descriptions.json';

/** A document of `operations/`, with the metadata from its first lines. */
export interface Operation {
  name: string;
  document: string;
  /** Example variables as JSON, perhaps with placeholders. */
  variables: string;
  screen: string;
  kind: OperationTypeNode;
  /** What it does, for somebody who does not know the front end. */
  description: string;
  /** The kinds of viewer that send it; it is listed under the first one. */
  viewers: string[];
}

/** All kinds of viewer. */
export const VIEWERS = [
  { viewer: 'anonymous', title: 'Anyone' },
  { viewer: 'student', title: 'Students' },
  { viewer: 'teacher', title: 'Teachers' },
  { viewer: 'admin', title: 'Admins' },
];

export function readOperation(name: string, document: string, variables: string): Operation {
  return {
    name,
    document: document.trimEnd(),
    variables: variables.trimEnd(),
    screen: comment(document, 'Screen'),
    kind: (/^(mutation|subscription)\b/m.exec(document)?.[1] ?? 'query') as OperationTypeNode,
    description: (descriptions as Record<string, string>)[name] ?? comment(document, 'Screen'),
    viewers: comment(document, 'Viewer')
      .split(',')
      .map((viewer) => viewer.trim()),
  };
}

export interface OperationGroup {
  title: string;
  /** Whom one has to sign in as first; empty when the viewer may run its operations. */
  viewers: string[];
  operations: Operation[];
}

/** The operations in which all words occur, in groups: first those that the viewer may run. */
export function groupOperations(
  operations: Operation[],
  role: string | undefined,
  text: string,
): OperationGroup[] {
  const own = (role ?? '').toLowerCase();
  const found = operations.filter((operation) => hasWords(operation, text));
  const isOpen = ({ viewers }: Operation) => viewers.includes('anonymous');
  const isOwn = (operation: Operation) => operation.viewers.includes(own) && !isOpen(operation);
  const groups: OperationGroup[] = VIEWERS.map(({ viewer, title }) => {
    if (viewer === 'anonymous') return { title, viewers: [], operations: found.filter(isOpen) };
    if (viewer === own) return { title, viewers: [], operations: found.filter(isOwn) };
    const others = found.filter((one) => !isOpen(one) && !isOwn(one) && one.viewers[0] === viewer);
    return { title, viewers: [viewer], operations: others };
  });
  const rank = ({ title, viewers }: OperationGroup) =>
    viewers.length > 0 ? 2 : title === VIEWERS[0]?.title ? 1 : 0;
  return groups
    .filter((group) => group.operations.length > 0)
    .toSorted((one, other) => rank(one) - rank(other));
}

function hasWords({ name, description, screen, kind, document }: Operation, text: string): boolean {
  const all = `${name} ${description} ${screen} ${kind} ${document}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

function comment(document: string, label: string): string {
  const match = new RegExp(`^# ${label}: *(.+)$`, 'm').exec(document);
  return match?.[1]?.trim() ?? '';
}
