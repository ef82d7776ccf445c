import type { Session, Tokens } from '../session/session';

/** The session that a mutation has issued, if the response has all of it, as `login` and `register` can. */
export function issuedSession(data: unknown): { tokens: Tokens; user: Session['user'] } | undefined {
  for (const payload of Object.values(asRecord(data))) {
    const { session, user } = asRecord(payload);
    const tokens = asRecord(session);
    const person = asRecord(user);
    if (
      hasTexts(tokens, ['accessToken', 'refreshToken', 'expiresAt']) &&
      hasTexts(person, ['id', 'name', 'role'])
    )
      return { tokens: tokens as unknown as Tokens, user: person as unknown as Session['user'] };
  }
  return undefined;
}

function hasTexts(value: Record<string, unknown>, names: string[]): boolean {
  return names.every((name) => typeof value[name] === 'string');
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
