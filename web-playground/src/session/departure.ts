import { forgetRunsOf } from '../execution/runs';
import { forgetKeptTraces } from '../trace/kept-trace';
import { SESSION_EXPIRED, useSession } from './session';

/** Nothing of a user stays in the page when their session has ended, or somebody else has signed in. */
export function forgetDeparted(): () => void {
  return useSession.subscribe(({ session, notice }, { session: former }) => {
    if (!former || session?.user.id === former.user.id) return;
    const isExpired = !session && notice === SESSION_EXPIRED;
    forgetKeptTraces();
    forgetRunsOf(former.user.id, farewell(former.user.name, session?.user.name, isExpired), isExpired);
  });
}

function farewell(name: string, successor: string | undefined, isExpired: boolean): string {
  if (successor) return `This was for ${name}, and ended when ${successor} signed in.`;
  return `This was for ${name}, and ended with ${isExpired ? 'the session' : 'signing out'}.`;
}
