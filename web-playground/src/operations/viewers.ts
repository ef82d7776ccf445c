import { readOperation } from './operation';

/** The kinds of viewer that an operation is for, by its comment `# Viewer:`; empty when it does not say. */
export function viewersOf(document: string): string[] {
  return readOperation('', document, '').viewers.filter(Boolean);
}

/** Whether it makes sense to send the operation: somebody of that kind is signed in, or nobody need be. */
export function isFor(viewers: string[], role: string | undefined): boolean {
  return (
    viewers.length === 0 || viewers.includes('anonymous') || viewers.includes((role ?? '').toLowerCase())
  );
}

/** `a student`, `a student or a teacher` */
export function describeViewers(viewers: string[]): string {
  return viewers.map((viewer) => `${viewer === 'admin' ? 'an' : 'a'} ${viewer}`).join(' or ');
}
