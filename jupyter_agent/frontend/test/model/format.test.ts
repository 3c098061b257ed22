import { afterAll, beforeAll, describe, expect, it } from "vitest";
import cases from "../../../../tests/formats.json";
import {
  formatAge,
  formatDuration,
  formatMoment,
  formatNumber,
  formatPercent,
  formatRate,
  formatSize,
  formatWholeDuration,
} from "../../src/model/format.js";
import { fractionDone } from "../../src/model/rate.js";
import { snapshot } from "../support/scripted_server.js";

/** The table that the tests of `jupyter_agent.rendering.formats` read as well. */
type Row = [number | null, ...string[]];

describe("formats, as Python has them", () => {
  it.each(cases.duration as Row[])("a duration of %j s: %j, still changing: %j", (seconds, ...words) =>
    expect([formatDuration(seconds), formatWholeDuration(seconds)]).toEqual(words),
  );

  it.each(cases.age as [number, string][])("an age of %j s: %j", (seconds, words) =>
    expect(formatAge(seconds)).toBe(words),
  );

  it.each(cases.number as Row[])("the number %j: %j", (value, words) =>
    expect(formatNumber(value)).toBe(words),
  );

  it.each(cases.percent as [number | null, number | null, string][])("%j of %j: %j", (done, total, words) =>
    expect(formatPercent(fractionDone(snapshot("1", { progress: { done, total, message: null } })))).toBe(
      words,
    ),
  );

  it.each(cases.rate as [number, string][])("%j units a second: %j", (rate, words) =>
    expect(formatRate(rate)).toBe(words),
  );

  it("numbers that JSON cannot say are no numbers", () => {
    expect([formatNumber(NaN), formatNumber(Infinity), formatDuration(NaN), formatAge(NaN)]).toEqual([
      "-",
      "very many",
      "",
      "",
    ]);
  });
});

describe("a moment, as Python has it", () => {
  const { env } = (globalThis as unknown as { process: { env: Record<string, string | undefined> } }).process;
  const zone = env.TZ;
  beforeAll(() => {
    env.TZ = "UTC";
  });
  afterAll(() => {
    if (zone === undefined) delete env.TZ;
    else env.TZ = zone;
  });

  it.each(cases.size as [number, string][])("%j bytes: %j", (bytes, words) =>
    expect(formatSize(bytes)).toBe(words),
  );

  it.each(cases.moment as Row[])("%j: %j", (time, words) => expect(formatMoment(time)).toBe(words));
});
