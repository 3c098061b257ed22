import { expect, it } from "vitest";
import { cellAddress, cellInAddress } from "../../src/model/traceback.js";

const place = { number: 8, line: 6, source: '    raise ValueError(f"50% of {a & b}") # é' };

it("leads to JupyterLab below the server's base URL, and says there which line was meant", () => {
  const address = new URL(cellAddress("http://here/user/ada/", "01T", place));
  expect(address.pathname).toBe("/user/ada/lab");
  expect(cellInAddress(address.search)).toEqual({ task: "01T", place });
});

it("names nothing in an address that is not one of these", () => {
  for (const search of ["", "?reset", "?agent-task=01T", "?agent-task=01T&cell=x&line=2", "?cell=1&line=2"])
    expect(cellInAddress(search)).toBe(null);
});
