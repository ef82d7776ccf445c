const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;

/**
 * Asks for the latest events until there are some: whenever `wake` is called, and by itself at growing intervals, because
 * a stream does not say from when on it sends what is created.
 */
export class Search<Event> {
  readonly #ask: () => Promise<Event[] | undefined>;
  readonly #onFound: (events: [Event, ...Event[]]) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delay = FIRST_DELAY_MS;
  #isAsking = false;
  #isOutdated = false;
  #isStopped = false;

  constructor(ask: () => Promise<Event[] | undefined>, onFound: (events: [Event, ...Event[]]) => void) {
    this.#ask = ask;
    this.#onFound = onFound;
  }

  readonly wake = (): void => {
    this.#isOutdated = true;
    if (!this.#isAsking && !this.#isStopped) void this.#run();
  };

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isAsking = true;
    // What woke it meanwhile may be newer than the answer.
    while (this.#isOutdated) {
      this.#isOutdated = false;
      const [newest, ...older] = (await this.#ask().catch(() => undefined)) ?? [];
      if (this.#isStopped) return;
      if (newest !== undefined) {
        this.stop();
        this.#onFound([newest, ...older]);
        return;
      }
    }
    this.#isAsking = false;
    this.#timer = setTimeout(this.wake, this.#delay);
    this.#delay = Math.min(this.#delay * 2, MAX_DELAY_MS);
  }
}
