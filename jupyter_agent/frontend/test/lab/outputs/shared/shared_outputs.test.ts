import type { ICodeCellModel } from "@jupyterlab/cells";
import { YNotebook, type YCodeCell } from "@jupyter/ydoc";
import { applyUpdate, encodeStateAsUpdate } from "yjs";
import { beforeEach, describe, expect, it } from "vitest";
import { TASK_MIME } from "../../../../src/lab/outputs/mime.js";
import {
  doublesIn,
  lacksEndState,
  removeDoubles,
  writeEndState,
} from "../../../../src/lab/outputs/shared/shared_outputs.js";
import { done, task } from "../../../support/task.js";

const output = (marks: object = {}) => ({
  output_type: "display_data",
  data: { "text/html": "running" },
  metadata: { [TASK_MIME]: { task_id: "a", snapshot: task("a"), ...marks } },
});

let pages: YNotebook[] = [];

/** Bring every change to every page. */
function exchange(): void {
  for (const from of pages) for (const to of pages) applyUpdate(to.ydoc, encodeStateAsUpdate(from.ydoc));
}

const sharedCell = (page: YNotebook) => page.cells[0] as YCodeCell;
const cell = (page: YNotebook) => ({ sharedModel: sharedCell(page) }) as unknown as ICodeCellModel;
const outputs = (page: YNotebook) => sharedCell(page).getOutputs() as unknown as ReturnType<typeof output>[];
const add = (page: YNotebook, marks: object = {}) =>
  sharedCell(page).updateOutputs(0, 0, [output(marks)] as never);

beforeEach(() => {
  pages = [new YNotebook(), new YNotebook()];
  pages[0]!.addCell({ cell_type: "code", source: "" });
  exchange();
});

describe("an end state", () => {
  it("is there once when two pages write it at the same time", () => {
    add(pages[0]!);
    exchange();
    for (const page of pages) writeEndState(cell(page), done(), "completed");
    exchange();
    for (const page of pages) {
      expect(outputs(page)).toHaveLength(1);
      expect(outputs(page)[0]!.data["text/html"]).toBe("completed");
      expect(lacksEndState(cell(page), done())).toBe(false);
    }
  });

  it("is there once in an output that the server wrote as a whole", () => {
    sharedCell(pages[0]!).youtputs.insert(0, [output() as never]);
    exchange();
    expect(lacksEndState(cell(pages[0]!), done())).toBe(true);
    for (const page of pages) writeEndState(cell(page), done(), "completed");
    exchange();
    for (const page of pages) removeDoubles(cell(page));
    exchange();
    for (const page of pages) {
      expect(outputs(page).map(({ data }) => data["text/html"])).toEqual(["completed"]);
      expect(lacksEndState(cell(page), done())).toBe(false);
    }
  });

  it("is nothing that undo takes back", () => {
    add(pages[0]!);
    pages[0]!.undoManager.clear();
    writeEndState(cell(pages[0]!), done(), "completed");
    expect(pages[0]!.canUndo() || sharedCell(pages[0]!).canUndo()).toBe(false);
  });

  it("does not replace the state of a later attempt", () => {
    add(pages[0]!, { snapshot: task("a", { attempt: 2 }) });
    expect(lacksEndState(cell(pages[0]!), done())).toBe(false);
  });
});

describe("restored views", () => {
  it.each([
    ["a kernel's output", {}],
    ["another restored view", { restored: true }],
  ])("give way to %s of the same task, on whichever pages both arrive", (_, other) => {
    add(pages[0]!, { restored: true });
    add(pages[1]!, other);
    exchange();
    for (const page of pages) removeDoubles(cell(page));
    exchange();
    for (const page of pages) {
      expect(outputs(page)).toHaveLength(1);
      expect(outputs(page)[0]!.metadata[TASK_MIME]).toMatchObject(other);
    }
    expect(outputs(pages[0]!)).toEqual(outputs(pages[1]!));
  });

  it("stay where a user shows a task twice", () => {
    const shown = (restored: boolean, id = "a") => ({ task: id, restored });
    expect(doublesIn([shown(false), shown(false), shown(true, "b")])).toEqual([]);
    expect(doublesIn([shown(true), shown(false), shown(true)])).toEqual([0, 2]);
  });
});
