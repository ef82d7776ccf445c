import { redactSecrets } from '../storage/secrets';

/** A shared operation, without credentials. */
export interface LinkedOperation {
  query: string;
  variables: string;
}

const PREFIX = '#operation=';

/** The URL of this page with the operation in its fragment, which is never sent to a server. */
export function linkTo({ query, variables }: LinkedOperation, page: string): string {
  const shared = [redactSecrets(query), redactSecrets(variables)];
  const bytes = new TextEncoder().encode(JSON.stringify(shared));
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const encoded = btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return page.replace(/#.*$/, '') + PREFIX + encoded;
}

/** The operation in a fragment; undefined when there is none. Throws when it is invalid. */
export function readLink(fragment: string): LinkedOperation | undefined {
  if (!fragment.startsWith(PREFIX)) return undefined;
  const encoded = fragment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
  let shared: unknown;
  try {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    shared = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Error('This link is invalid, perhaps truncated. Ask for a new one.');
  }
  if (!Array.isArray(shared) || shared.length !== 2 || shared.some((part) => typeof part !== 'string')) {
    throw new Error('This link has no operation. Ask for a new one.');
  }
  const [query, variables] = shared as [string, string];
  return { query, variables };
}
