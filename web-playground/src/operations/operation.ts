/** A document of `operations/`, with what its first lines say of it. */
export interface Operation {
  name: string;
  document: string;
  /** Example variables as JSON, perhaps with placeholders. */
  variables: string;
  screen: string;
  viewer: string;
}

export function readOperation(name: string, document: string, variables: string): Operation {
  return {
    name,
    document: document.trimEnd(),
    variables: variables.trimEnd(),
    screen: comment(document, 'Screen'),
    viewer: comment(document, 'Viewer'),
  };
}

function comment(document: string, label: string): string {
  const match = new RegExp(`^# ${label}: *(.+)$`, 'm').exec(document);
  return match?.[1]?.trim() ?? '';
}
