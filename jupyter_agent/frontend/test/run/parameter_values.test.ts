import { describe, expect, it } from "vitest";
import {
  choicesOf,
  defaultText,
  givenText,
  jsonOf,
  parametersJson,
  typedText,
} from "../../src/run/parameter_values.js";
import type { Declared } from "../../src/run/requests.js";

export function declared(name: string, fields: Partial<Declared> = {}): Declared {
  const none = { default: null, value: null, annotation: null, choices: null, comment: null };
  return { name, required: false, secret: false, ...none, ...fields };
}

describe("typed values", () => {
  it.each([
    ["5", "5"],
    ["-2.50", "-2.50"],
    [".5", "0.5"],
    ["-.5", "-0.5"],
    ["1e-3", "1e-3"],
    ["5.0", "5.0"],
    ["True", "true"],
    ["None", "null"],
    ["[1, 2]", "[1, 2]"],
    ['"5"', '"5"'],
    ["007", '"007"'],
    ["1_000", '"1_000"'],
    ["nan", '"nan"'],
    ["2026-11-22", '"2026-11-22"'],
    ["[1, 2", '"[1, 2"'],
    ["Oslo", '"Oslo"'],
  ])("%s is %s, as on the command line", (text, json) => {
    expect(jsonOf(text)).toBe(json);
  });

  it.each([5, 0.1, true, null, "Oslo", "5", "None", [1, "a"]])("%j comes back from its own text", (value) => {
    expect(JSON.parse(jsonOf(typedText(value)))).toEqual(value);
  });
});

describe("the parameters to send", () => {
  const epochs = declared("epochs", { default: "12", value: 12 });
  const city = declared("city", { default: '"Oslo"', value: "Oslo" });

  const sent = (
    values: Record<string, string>,
    of: readonly Declared[],
    others: string,
    ofFunction: boolean,
    given = {},
  ) => parametersJson({ given, values, others }, of, ofFunction);

  it("are those that differ from their defaults", () => {
    expect(sent({ epochs: "12", city: "Bergen" }, [epochs, city], "", false)).toBe('{"city":"Bergen"}');
  });

  it("keep a text that looks like a number where the default is a text", () => {
    expect(sent({ city: "5" }, [city], "", false)).toBe('{"city":"5"}');
  });

  it("keep a secret as it was typed, whatever its masked default was", () => {
    const token = declared("token", { default: "••••", secret: true });
    expect(sent({ token: "0042" }, [token], "", false)).toBe('{"token":"0042"}');
    expect(sent({ token: "42" }, [token], "", false)).toBe('{"token":"42"}');
  });

  it("leave out a number that was emptied, and keep an empty text", () => {
    expect(sent({ epochs: "", city: "" }, [epochs, city], "", false)).toBe('{"city":""}');
  });

  it("have the other ones, of which the value may contain a =", () => {
    expect(sent({}, [], "a=1\n\nb = x=y ", false)).toBe('{"a":1,"b":"x=y"}');
  });

  it("are texts for a function, which its annotations read", () => {
    expect(sent({ epochs: "5" }, [epochs], "version=1.10", true)).toBe('{"epochs":"5","version":"1.10"}');
  });

  it("leave out what the target does not declare, once its field is emptied", () => {
    expect(sent({ x: "" }, [], "", true, { x: "8" })).toBe("{}");
    expect(sent({ x: "" }, [], "", false)).toBe("{}");
  });

  it("of a schedule stay as they are until they are changed", () => {
    const given = { city: "5", zip: "007", days: 3, none: null };
    expect(sent({ days: "4" }, [city], "", false, given)).toBe(
      '{"city":"5","zip":"007","none":null,"days":4}',
    );
    expect(sent({ n: "9" }, [], "", true, { days: "8" })).toBe('{"days":"8","n":"9"}');
  });
});

describe("a field", () => {
  it("of a schedule shows a text as it is, unless it would be read as something else", () => {
    const city = declared("city", { annotation: "str" });
    expect([
      givenText("5", city, false),
      givenText("5", null, false),
      givenText("8", declared("days"), true),
      givenText(8, declared("days"), true),
      givenText(null, city, false),
    ]).toEqual(["5", '"5"', "8", "8", "None"]);
  });

  it("begins with the default, unless that is a secret or cannot be typed", () => {
    expect(defaultText(declared("lr", { default: "3e-4", value: 0.0003 }))).toBe("3e-4");
    expect(defaultText(declared("out", { default: "Path('x')" }))).toBe("");
    expect(defaultText(declared("limit", { default: "None" }))).toBe("None");
    expect(defaultText(declared("token", { default: "••••", secret: true }))).toBe("");
  });

  it("is a choice of what is allowed", () => {
    expect(choicesOf(declared("fast", { default: "False", value: false }))).toEqual(["True", "False"]);
    expect(choicesOf(declared("size", { choices: ["small", 2] }))).toEqual(["small", "2"]);
    expect(choicesOf(declared("name", { value: "x" }))).toBe(null);
  });
});
