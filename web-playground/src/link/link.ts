import { withoutSecrets } from '../shell/secrets';

/** An operation as it is handed on: nothing that says who sends it. */
export interface LinkedOperation {
  query: string;
  variables: string;
}

const PREFIX = '#operation=';

/** The address of this page with the operation in its fragment, which no server gets to see. */
export function linkTo({ query, variables }: LinkedOperation, page: string): string {
  const shared = [withoutSecrets(query), withoutSecrets(variables)];
  const bytes = new TextEncoder().encode(JSON.stringify(shared));
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const encoded = btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return page.replace(/#.*$/, '') + PREFIX + encoded;
}

/** The operation in a fragment; nothing where there is no fragment. Throws for one that is broken. */
export function readLink(fragment: string): LinkedOperation | undefined {
  if (!fragment.startsWith(PREFIX)) return undefined;
  const encoded = fragment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
  let shared: unknown;
  try {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    shared = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Error('This link is broken, perhaps cut off. Ask for it again.');
  }
  if (!Array.isArray(shared) || shared.length !== 2 || shared.some((part) => typeof part !== 'string')) {
    throw new Error('This link holds no operation. Ask for it again.');
  }
  const [query, variables] = shared as [string, string];
  return { query, variables };
}
