import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../src/random.ts";

const drawn = (...seeds: number[]) => {
  const random = new Random(...seeds);
  return Array.from({ length: 20 }, () => random.below(1000));
};

test("the same seed draws the same numbers", () => {
  assert.deepEqual(drawn(1, 2), drawn(1, 2));
});

test("each part of a seed matters", () => {
  assert.notDeepEqual(drawn(1, 2), drawn(2, 1));
  assert.notDeepEqual(drawn(1, 2), drawn(1, 3));
});

test("numbers spread over their whole range", () => {
  const random = new Random(7);
  const seen = new Set(Array.from({ length: 1000 }, () => random.below(10)));

  assert.equal(seen.size, 10);
});

test("weights set the probabilities", () => {
  const random = new Random(7);
  const draws = Array.from({ length: 1000 }, () =>
    random.weighted({ often: 9, seldom: 1, never: 0 }),
  );

  assert.ok(draws.filter((draw) => draw === "often").length > 800);
  assert.ok(draws.includes("seldom"));
  assert.ok(!draws.includes("never" as never));
});
