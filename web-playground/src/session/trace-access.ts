import { type Settings, useSettings } from '../network/playground-settings';
import { type Session, useSession } from './session';

/** Whether the viewer may request query plans and traces: everyone on some servers, only admins on others. */
export function canTrace(): boolean {
  return isTraceAllowed(useSettings.getState(), useSession.getState().session);
}

export function useCanTrace(): boolean {
  return isTraceAllowed(useSettings(), useSession().session);
}

function isTraceAllowed({ diagnostics }: Settings, session: Session | null): boolean {
  return diagnostics === 'everyone' || (diagnostics === 'admins' && session?.user.role === 'ADMIN');
}
