import { useSearchParams } from 'wouter';
import { signedIn } from '../client/session';
import type { TokensFragment } from '../gql/graphql';

/** Where to go after signing in: only a path of this shop. */
export function useNext(): string {
  const [parameters] = useSearchParams();
  const next = parameters.get('next') ?? '/';
  return /^\/(?![/\\])/.test(next) ? next : '/';
}

/** Leads there first: the page changes with the new session, which throws this one's components away. */
export function enter(
  tokens: TokensFragment,
  userId: string,
  next: string,
  navigate: (to: string, options: { replace: boolean }) => void,
): void {
  navigate(next, { replace: true });
  signedIn(tokens, userId);
}
