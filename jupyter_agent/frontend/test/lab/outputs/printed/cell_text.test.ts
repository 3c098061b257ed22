import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { IOutputModel } from "@jupyterlab/rendermime";
import {
  CellText,
  type Area,
  type StreamView,
  type View,
} from "../../../../src/lab/outputs/printed/cell_text.js";
import { done, task } from "../../../support/task.js";

const STDOUT = "application/vnd.jupyter.stdout";

class Outputs {
  readonly #all: unknown[];

  constructor(all: unknown[]) {
    this.#all = all;
  }

  get length(): number {
    return this.#all.length;
  }

  get(at: number): IOutputModel {
    return this.#all[at] as IOutputModel;
  }
}

/** A cell of a page: its outputs, its run, and what is drawn of its only stream. */
class Cell {
  readonly outputs: { type: string; data: Record<string, unknown>; metadata: object; toJSON(): object }[] =
    [];
  readonly run = {
    isDisposed: false,
    onIOPub: ({ content }: { content: { text: string; name?: string } }) =>
      this.add(content.text, content.name),
  };
  leavesOut = true;
  clearNext = false;
  readonly text = new CellText(new Outputs(this.outputs), () => this.leavesOut);
  readonly view = { isDisposed: false, disposed: { connect: vi.fn() }, redraw: vi.fn() };

  constructor() {
    const area = { future: this.run, widgets: [], isDisposed: false };
    this.text.addArea(area as unknown as Area);
  }

  /** Add text as JupyterLab does: to the last output, if that is of the same stream. */
  add(text: string, name = "stdout"): void {
    if (this.clearNext) this.outputs.length = 0;
    this.clearNext = false;
    const last = this.outputs.at(-1);
    if (last && (last.toJSON() as { name: string }).name === name)
      last.data = { [STDOUT]: `${last.data[STDOUT] as string}${text}` };
    else
      this.outputs.push({ type: "stream", data: { [STDOUT]: text }, metadata: {}, toJSON: () => ({ name }) });
  }

  /** A task, or the cell itself, prints a line. */
  print(text: string, by?: string): void {
    this.write(`${text}\n`, by);
  }

  write(text: string, by?: string, name?: string): void {
    const parent_header = by ? { jupyter_agent_task: by } : {};
    const message = { header: { msg_type: "stream" }, parent_header, content: { text, name } };
    this.run.onIOPub(message);
  }

  /** What is shown of each output. */
  get allShown(): (string | null)[] {
    return this.outputs.map((output) => this.text.shown(output as unknown as IOutputModel));
  }

  get shown(): string {
    const output = this.outputs[0] as unknown as IOutputModel;
    this.text.addStreamView(output, this.view as unknown as StreamView);
    return this.text.shown(output) ?? (this.outputs[0]!.data[STDOUT] as string);
  }
}

function viewOf(id: string, more: Partial<View> = {}): { -readonly [name in keyof View]: View[name] } {
  return { taskId: id, hasLog: true, live: true, task: task(id), ...more };
}

describe("what a cell prints", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is shown but for what is in the view of its task", () => {
    const cell = new Cell();
    cell.text.addView(viewOf("a"));
    cell.print("cell");
    cell.print("mine", "a");
    cell.print("another's", "b");
    expect(cell.shown).toBe("cell\nanother's\n");
    cell.leavesOut = false;
    expect(cell.shown).toBe("cell\nmine\nanother's\n");
  });

  it("is shown when the view is removed, and while there is none", () => {
    const cell = new Cell();
    const view = viewOf("a");
    cell.print("before", "a");
    expect(cell.shown).toBe("before\n");
    cell.text.addView(view);
    expect(cell.shown).toBe("");
    cell.text.removeView(view);
    expect(cell.shown).toBe("before\n");
    expect(cell.view.redraw).toHaveBeenCalled();
  });

  it("is shown where the server does not know the task, or the view has no log", () => {
    const cell = new Cell();
    cell.text.addView(viewOf("a", { hasLog: false }));
    cell.print("mine", "a");
    expect(cell.shown).toBe("mine\n");
  });

  it("is held back for a second until the view knows", () => {
    const cell = new Cell();
    cell.text.addView(viewOf("a", { hasLog: null, live: false }));
    cell.print("mine", "a");
    expect(cell.shown).toBe("");
    vi.advanceTimersByTime(1000);
    expect(cell.shown).toBe("mine\n");
  });

  it("is shown while the view has no connection, and not once it has caught up", () => {
    const cell = new Cell();
    const view = viewOf("a");
    cell.text.addView(view);
    cell.print("one", "a");
    view.live = false;
    cell.print("two", "a");
    expect(cell.shown).toBe("two\n");
    view.live = true;
    expect(cell.shown).toBe("");
  });

  it("is not what a delayed clear of the outputs has removed", () => {
    const cell = new Cell();
    cell.print("old");
    cell.clearNext = true;
    cell.print("new");
    cell.print("mine", "a");
    cell.text.addView(viewOf("a"));
    expect(cell.shown).toBe("new\n");
  });

  it("has no empty line where a task's text on the other stream has torn a line", () => {
    const cell = new Cell();
    cell.text.addView(viewOf("a"));
    cell.write("cell");
    cell.write("mine\n", "a", "stderr");
    cell.write("\n");
    expect(cell.allShown).toEqual(["cell", "", ""]);
    cell.print("\nnext");
    expect(cell.allShown).toEqual(["cell", "", "\nnext\n"]);
    cell.leavesOut = false;
    expect(cell.allShown).toEqual([null, null, null]);
  });

  it("keeps its empty lines after whole lines, and after what is shown of another stream", () => {
    const cell = new Cell();
    cell.text.addView(viewOf("a"));
    cell.print("cell");
    cell.write("mine\n", "a", "stderr");
    cell.write("\n");
    cell.write("shown", undefined, "stderr");
    cell.write("\n");
    expect(cell.allShown).toEqual(["cell\n", "", "\n", "shown", "\n"]);
  });

  it("is shown whole where the output was changed by something else", () => {
    const cell = new Cell();
    cell.text.addView(viewOf("a"));
    cell.print("mine", "a");
    cell.add("from elsewhere\n");
    expect(cell.shown).toBe("mine\nfrom elsewhere\n");
    cell.print("mine again", "a");
    expect(cell.shown).toBe("from elsewhere\n");
  });
});

/** A cell with one value below it. `calls`: how its widget was hidden and shown. */
function cellWithValue(text: string, view: View) {
  const output = { type: "execute_result", data: { "text/plain": text }, metadata: {} };
  const widget = { setHidden: vi.fn() };
  const cell = new CellText({ length: 1, get: () => output as unknown as IOutputModel }, () => true);
  cell.addArea({ widgets: [widget], isDisposed: false } as unknown as Area);
  cell.addView(view);
  return { cell, calls: widget.setHidden.mock.calls };
}

const valued = (kind: string) => done({ kind, result: { repr: "42", stored: true } });

describe("the value of a cell that is a task", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    ["42", viewOf("a", { task: valued("cell") }), true],
    ["43", viewOf("a", { task: valued("cell") }), false],
    ["42", viewOf("a", { task: valued("function") }), false],
    ["42", viewOf("a", { task: task("a", { kind: "cell" }) }), true],
    ["42", viewOf("a", { task: task("a", { kind: "cell" }), live: false }), false],
    ["42", viewOf("a", { hasLog: false, task: task("a", { kind: "cell" }) }), false],
    ["42", viewOf("a", { hasLog: false, task: valued("cell") }), false],
  ])("%s is left out where the view has it", (text, view, isHidden) => {
    expect(cellWithValue(text, view).calls).toEqual(isHidden ? [[true]] : []);
  });

  it("is left out before the view has its log, which may take longer than the task", () => {
    const view = viewOf("a", { hasLog: null, live: false, task: task("a", { kind: "cell" }) });
    const { cell, calls } = cellWithValue("42", view);
    expect(calls).toEqual([[true]]);
    view.task = valued("cell");
    vi.advanceTimersByTime(1000);
    expect(calls.at(-1)).toEqual([true]);
    view.hasLog = view.live = true;
    cell.refresh();
    expect(calls.every(([isHidden]) => isHidden === true)).toBe(true);
  });

  it("is shown after a second where the view has neither its log nor the end of its task", () => {
    const view = viewOf("a", { hasLog: null, live: false, task: task("a", { kind: "cell" }) });
    const { calls } = cellWithValue("42", view);
    vi.advanceTimersByTime(1000);
    expect(calls).toEqual([[true], [false]]);
  });
});

it("reads no output for each of many views, unless text of a file or a result needs it", () => {
  const read = vi.fn();
  const shown = {
    type: "display_data",
    get data() {
      return read();
    },
    get metadata() {
      return read();
    },
  };
  const text = new CellText(new Outputs([shown, shown, shown]), () => true);
  text.addArea({ widgets: [{}, {}, {}], isDisposed: false } as unknown as Area);
  for (const taskId of ["a", "b", "c"])
    text.addView({ taskId, hasLog: true, live: true, task: task(taskId) });
  text.refresh();
  expect(read).not.toHaveBeenCalled();
});
