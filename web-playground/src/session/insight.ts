import { useSettings } from '../network/playground-settings';
import { useSession } from './session';

/** Who gets to see plans and traces: everybody on a development server, admins elsewhere. */
export function mayLookInside(): boolean {
  return useSettings.getState().development || useSession.getState().session?.user.role === 'ADMIN';
}

export function useMayLookInside(): boolean {
  const { development } = useSettings();
  const { session } = useSession();
  return development || session?.user.role === 'ADMIN';
}
