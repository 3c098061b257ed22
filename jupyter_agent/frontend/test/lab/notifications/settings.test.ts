import { describe, expect, it } from "vitest";
import schema from "../../../schema/plugin.json";
import { Settings } from "../../../src/lab/notifications/settings.js";

describe("settings", () => {
  it("have the schema's defaults without a registry", () => {
    const { notify, longAfter, statusBar } = new Settings();
    const { properties } = schema;
    expect([notify, longAfter, statusBar]).toEqual([
      properties.notify.default,
      properties.longAfter.default,
      properties.statusBar.default,
    ]);
  });
});
