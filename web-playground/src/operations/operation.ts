/** A document of `operations/`, with the metadata from its first lines. */
export interface Operation {
  name: string;
  document: string;
  /** Example variables as JSON, perhaps with placeholders. */
  variables: string;
  screen: string;
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
    viewers: comment(document, 'Viewer')
      .split(',')
      .map((viewer) => viewer.trim()),
  };
}

function comment(document: string, label: string): string {
  const match = new RegExp(`^# ${label}: *(.+)$`, 'm').exec(document);
  return match?.[1]?.trim() ?? '';
}
