// How far a run is, where a person looks at it.

import type { Statistics } from "./statistics.ts";

const WIDTH = 30;
const EVERY_MILLISECONDS = 500;

export class Progress {
  readonly #operations: number;
  readonly #seconds: number;
  readonly #isShown: boolean;
  readonly #since = Date.now();
  #shown = 0;

  constructor(operations: number, seconds: number, isQuiet: boolean) {
    this.#operations = operations;
    this.#seconds = seconds;
    this.#isShown = !isQuiet && process.stderr.isTTY === true;
  }

  get isOver(): boolean {
    return this.#elapsed >= this.#seconds;
  }

  show(statistics: Statistics, wrong: number): void {
    const now = Date.now();
    if (!this.#isShown || now - this.#shown < EVERY_MILLISECONDS) return;
    this.#shown = now;
    const done = Math.max(statistics.operations / this.#operations, this.#elapsed / this.#seconds);
    const bar = "█".repeat(Math.round(done * WIDTH)).padEnd(WIDTH, "░");
    const rate = statistics.perSecond.toFixed(0);
    process.stderr.write(
      `\r${bar} ${statistics.operations} operations, ${rate} a second, ${wrong} wrong `,
    );
  }

  end(): void {
    if (this.#isShown) process.stderr.write("\r\u001b[K");
  }

  get #elapsed(): number {
    return (Date.now() - this.#since) / 1000;
  }
}
