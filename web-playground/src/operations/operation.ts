/** A document of `operations/`, with what its first lines say of it. */
export interface Operation {
  name: string;
  document: string;
  /** Example variables as JSON, perhaps with placeholders. */
  variables: string;
  screen: string;
  /** Who is signed in there; the list that it stands in is that of the first. */
  viewers: string[];
}

/** All who may be named. */
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
    viewers: comment(document, 'Viewer')
      .split(',')
      .map((viewer) => viewer.trim()),
  };
}

function comment(document: string, label: string): string {
  const match = new RegExp(`^# ${label}: *(.+)$`, 'm').exec(document);
  return match?.[1]?.trim() ?? '';
}
