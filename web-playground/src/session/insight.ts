import { type Settings, useSettings } from '../network/playground-settings';
import { type Session, useSession } from './session';

/** Whether whoever is signed in gets to see plans and traces: on some servers everybody, on others admins. */
export function mayLookInside(): boolean {
  return may(useSettings.getState(), useSession.getState().session);
}

export function useMayLookInside(): boolean {
  return may(useSettings(), useSession().session);
}

function may({ insight }: Settings, session: Session | null): boolean {
  return insight === 'everyone' || (insight === 'admins' && session?.user.role === 'ADMIN');
}
