import { expect, test } from "vitest";
import { Backoff } from "../../src/net/backoff.js";

test("delays double up to the limit, with full jitter", () => {
  const backoff = new Backoff();
  expect([...Array(9)].map(() => backoff.next(1))).toEqual([0.25, 0.5, 1, 2, 4, 8, 15, 15, 15]);
  backoff.reset();
  expect(backoff.next(0.5)).toBe(0.125);
});
