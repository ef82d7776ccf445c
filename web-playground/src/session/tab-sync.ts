import { withLock } from './mutex';

/**
 * Synchronizes a session across tabs. A tab that is duplicated, or opened from another one, has the same session,
 * and its refresh token works only once. So one tab at a time refreshes it and sends the result to the others.
 * Tokens are not stored anywhere else.
 */

/** A copy of one sign-in. Of two copies, the one with more renewals is newer. */
export interface SharedSession {
  family: string;
  renewals: number;
}

type Message<Session> =
  | { kind: 'request'; family: string }
  | { kind: 'session'; session: Session }
  | { kind: 'ended'; family: string };

const CHANNEL = 'lyceum:session';
/** How long to wait for other tabs: a suspended tab does not respond. */
const RESPONSE_TIMEOUT_MS = 1_000;

interface Listener<Session> {
  current: () => Session | null;
  /** Another tab has a newer copy. */
  onNewer: (session: Session) => void;
  /** The user signed out in another tab. */
  onEnded: () => void;
}

export class TabSync<Session extends SharedSession> {
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #listener: Listener<Session>;
  #leave: (() => void) | undefined;
  #joined: string | undefined;
  #request: { family: string; onResponse: () => void } | undefined;

  constructor(listener: Listener<Session>) {
    this.#listener = listener;
    this.#channel.onmessage = ({ data }: MessageEvent<Message<Session>>) => this.#receive(data);
  }

  /** Sets the session that this tab belongs to. */
  join(family: string | undefined): void {
    if (family === this.#joined) return;
    this.#leave?.();
    this.#joined = family;
    if (family === undefined) return;
    // Held while the tab belongs to the session, so that other tabs can count it.
    void locks()?.request(lockName(family), { mode: 'shared' }, () => {
      if (this.#joined !== family) return;
      return new Promise<void>((resolve) => {
        this.#leave = resolve;
      });
    });
  }

  publish(session: Session): void {
    this.#post({ kind: 'session', session });
  }

  publishEnd(family: string): void {
    this.#post({ kind: 'ended', family });
  }

  /** How many other tabs share the session; without Web Locks, 1 if any tab responds. */
  async countOtherTabs(family: string): Promise<number> {
    const available = locks();
    if (!available) return this.#requestSessions(family, 1);
    const { held = [] } = await available.query();
    const here = this.#joined === family ? 1 : 0;
    return Math.max(0, held.filter(({ name }) => name === lockName(family)).length - here);
  }

  /** Runs a task in only one tab at a time, after receiving the newest session from the others. */
  async runExclusively<Result>(family: string, task: () => Promise<Result>): Promise<Result> {
    const available = locks();
    const syncThenRun = async () => {
      const others = await this.countOtherTabs(family);
      if (available && others > 0) await this.#requestSessions(family, others);
      return task();
    };
    const name = `${lockName(family)}:renewal`;
    return available ? available.request(name, syncThenRun) : withLock(name, syncThenRun);
  }

  /** Requests the session from other tabs, waits for up to `others` responses, and returns their number. */
  #requestSessions(family: string, others: number): Promise<number> {
    let responses = 0;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(responses), RESPONSE_TIMEOUT_MS);
      const onResponse = () => {
        responses += 1;
        if (responses < others) return;
        clearTimeout(timer);
        resolve(responses);
      };
      this.#request = { family, onResponse };
      this.#post({ kind: 'request', family });
    });
  }

  #receive(message: Message<Session>): void {
    const session = this.#listener.current();
    const family = message.kind === 'session' ? message.session.family : message.family;
    if (session?.family === family) this.#handle(message, session);
    if (message.kind === 'session' && family === this.#request?.family) this.#request.onResponse();
  }

  #handle(message: Message<Session>, session: Session): void {
    if (message.kind === 'ended') this.#listener.onEnded();
    else if (message.kind === 'request') this.publish(session);
    else if (message.session.renewals > session.renewals) this.#listener.onNewer(message.session);
  }

  #post(message: Message<Session>): void {
    this.#channel.postMessage(message);
  }
}

/** Available only on `localhost` and over HTTPS. */
function locks(): LockManager | undefined {
  return globalThis.navigator?.locks;
}

function lockName(family: string): string {
  return `${CHANNEL}:${family}`;
}
