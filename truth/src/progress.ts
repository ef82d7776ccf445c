// The progress bar of a run, on a terminal.

import type { Statistics } from "./statistics.ts";

const BAR_WIDTH = 30;
const INTERVAL_MS = 500;

export class Progress {
  readonly #operations: number;
  readonly #seconds: number;
  readonly #isShown: boolean;
  readonly #startedAt = Date.now();
  #shown = 0;

  constructor(operations: number, seconds: number, isQuiet: boolean) {
    this.#operations = operations;
    this.#seconds = seconds;
    this.#isShown = !isQuiet && process.stderr.isTTY === true;
  }

  get isOver(): boolean {
    return this.#elapsed >= this.#seconds;
  }

  show(statistics: Statistics, differences: number): void {
    const now = Date.now();
    if (!this.#isShown || now - this.#shown < INTERVAL_MS) return;
    this.#shown = now;
    const done = Math.max(statistics.operations / this.#operations, this.#elapsed / this.#seconds);
    const bar = "█".repeat(Math.round(done * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
    const rate = statistics.perSecond.toFixed(0);
    process.stderr.write(
      `\r${bar} ${statistics.operations} operations, ${rate} per second, ${differences} differences `,
    );
  }

  end(): void {
    if (this.#isShown) process.stderr.write("\r\u001b[K");
  }

  get #elapsed(): number {
    return (Date.now() - this.#startedAt) / 1000;
  }
}
