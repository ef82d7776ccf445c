/** A key that nobody uses twice. `randomUUID` exists only on pages with TLS and on `localhost`. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}
