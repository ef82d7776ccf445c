import { inTurn } from './turns';

/**
 * The tabs of one session. Who duplicates a tab, or opens one from it, has the session in both, and its refresh
 * token works once: so one of them renews it at a time, and tells the others. No token of it is kept anywhere.
 */

/** What belongs together: copies of one sign-in, of which the one that was renewed more often is newer. */
export interface Shared {
  family: string;
  renewals: number;
}

type Message<Session> =
  | { kind: 'asked'; family: string }
  | { kind: 'has'; session: Session }
  | { kind: 'over'; family: string };

const NAME = 'lyceum:session';
/** A tab that was put to sleep does not answer, and is not waited for longer than this. */
const PATIENCE_MS = 1_000;

interface Listener<Session> {
  current: () => Session | null;
  /** Another tab has a newer copy. */
  onNewer: (session: Session) => void;
  /** The session was ended in another tab. */
  onOver: () => void;
}

export class Tabs<Session extends Shared> {
  readonly #channel = new BroadcastChannel(NAME);
  readonly #listener: Listener<Session>;
  #leave: (() => void) | undefined;
  #joined: string | undefined;
  #asked: { family: string; onAnswer: () => void } | undefined;

  constructor(listener: Listener<Session>) {
    this.#listener = listener;
    this.#channel.onmessage = ({ data }: MessageEvent<Message<Session>>) => this.#hear(data);
  }

  /** Says to which session this tab belongs from now on. */
  join(family: string | undefined): void {
    if (family === this.#joined) return;
    this.#leave?.();
    this.#joined = family;
    if (family === undefined) return;
    // Held as long as the tab belongs to it, so that others can tell that they are not alone.
    void locks()?.request(inFamily(family), { mode: 'shared' }, () => {
      if (this.#joined !== family) return;
      return new Promise<void>((resolve) => {
        this.#leave = resolve;
      });
    });
  }

  tell(session: Session): void {
    this.#post({ kind: 'has', session });
  }

  tellOver(family: string): void {
    this.#post({ kind: 'over', family });
  }

  /** How many other tabs have a copy of the session; where there are no locks, whether any one answers. */
  async othersIn(family: string): Promise<number> {
    const available = locks();
    if (!available) return this.#ask(family, 1);
    const { held = [] } = await available.query();
    const here = this.#joined === family ? 1 : 0;
    return Math.max(0, held.filter(({ name }) => name === inFamily(family)).length - here);
  }

  /** Does something while no other tab does it, and after hearing what they know. */
  async alone<Result>(family: string, what: () => Promise<Result>): Promise<Result> {
    const available = locks();
    const informed = async () => {
      const others = await this.othersIn(family);
      if (available && others > 0) await this.#ask(family, others);
      return what();
    };
    const name = `${inFamily(family)}:renewal`;
    return available ? available.request(name, informed) : inTurn(name, informed);
  }

  /** Waits until so many others have said what they have, and says how many did. */
  #ask(family: string, others: number): Promise<number> {
    let answers = 0;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(answers), PATIENCE_MS);
      const onAnswer = () => {
        answers += 1;
        if (answers < others) return;
        clearTimeout(timer);
        resolve(answers);
      };
      this.#asked = { family, onAnswer };
      this.#post({ kind: 'asked', family });
    });
  }

  #hear(message: Message<Session>): void {
    const session = this.#listener.current();
    const family = message.kind === 'has' ? message.session.family : message.family;
    if (session?.family === family) this.#take(message, session);
    if (message.kind === 'has' && family === this.#asked?.family) this.#asked.onAnswer();
  }

  #take(message: Message<Session>, session: Session): void {
    if (message.kind === 'over') this.#listener.onOver();
    else if (message.kind === 'asked') this.tell(session);
    else if (message.session.renewals > session.renewals) this.#listener.onNewer(message.session);
  }

  #post(message: Message<Session>): void {
    this.#channel.postMessage(message);
  }
}

/** Browsers have them only on `localhost` and over HTTPS. */
function locks(): LockManager | undefined {
  return globalThis.navigator?.locks;
}

function inFamily(family: string): string {
  return `${NAME}:${family}`;
}
