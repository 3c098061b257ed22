import { Doc } from "yjs";
import { expect, test } from "vitest";
import { ViewHistory } from "../../../../src/lab/outputs/shared/history.js";

test("a page that may not write the notebook adds nothing to its history, and reads what others add", () => {
  const doc = new Doc();
  const reader = new ViewHistory(doc, 1, () => false);
  reader.setShown("a", true);
  reader.setRunner("c", 7);
  expect([...doc.getMap("jupyter-agent").keys()]).toEqual([]);

  const writer = new ViewHistory(doc, 2, () => true);
  writer.setShown("a", true);
  writer.setRunner("c", 8);
  reader.setRunner("c", null);
  expect([reader.since, reader.hasShown("a"), reader.runnerOf("c")]).toEqual([2, true, 8]);
});
