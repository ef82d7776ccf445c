import { forgetRunsOf } from '../execution/runs';
import { describeViewers } from '../operations/viewers';
import { forgetKeptTraces } from '../trace/kept-trace';
import { renderAfterDeparture } from './departures';
import { SESSION_EXPIRED, useSession } from './session';

/** Nothing of a user stays in the page when their session has ended, or somebody else has signed in. */
export function forgetDeparted(): () => void {
  return useSession.subscribe(({ session, notice }, { session: former }) => {
    if (!former || session?.user.id === former.user.id) return;
    const isExpired = !session && notice === SESSION_EXPIRED;
    forgetKeptTraces();
    forgetRunsOf(former.user.id, farewell(former.user.role, session?.user.name, isExpired), isExpired);
    renderAfterDeparture();
  });
}

/** Without the name of who has left. */
function farewell(role: string, successor: string | undefined, isExpired: boolean): string {
  const whom = describeViewers([role.toLowerCase()]);
  if (successor) return `This was for ${whom}, and ended when ${successor} signed in.`;
  return `This was for ${whom}, and ended with ${isExpired ? 'the session' : 'signing out'}.`;
}
