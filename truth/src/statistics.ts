// What a run has covered, for people, and for the run itself: what is never made is never compared.

import { FEATURES, type Feature } from "./features.ts";
import type { Operation } from "./operation.ts";
import type { System, Transport } from "./systems.ts";

/** Fewer operations may lack something by chance. */
const ENOUGH_TO_EXPECT_ALL = 1500;

export class Statistics {
  operations = 0;
  readonly #since = Date.now();
  readonly #features = new Map<Feature, number>(FEATURES.map((feature) => [feature, 0]));
  readonly #counts = new Map<string, number>();

  count(operation: Operation, system: System, transport: Transport, features: Set<Feature>): void {
    this.operations += 1;
    for (const feature of features)
      this.#features.set(feature, (this.#features.get(feature) ?? 0) + 1);
    for (const what of [`as ${operation.viewer.name}`, `by ${transport}`, system.mode])
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  get perSecond(): number {
    return (this.operations * 1000) / Math.max(1, Date.now() - this.#since);
  }

  /** What a run of this size should have had. */
  missing(expected: readonly Feature[]): Feature[] {
    if (this.operations < ENOUGH_TO_EXPECT_ALL) return [];
    return expected.filter((feature) => this.#features.get(feature) === 0);
  }

  written(): string {
    const list = (counts: Iterable<[string, number]>) =>
      [...counts].map(([what, count]) => `${what} ${count}`).join(", ");
    return [
      `${this.operations} operations, ${this.perSecond.toFixed(1)} a second`,
      list([...this.#counts].sort()),
      `with ${list(this.#features)}`,
    ].join("\n");
  }
}
