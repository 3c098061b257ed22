/** What the cells of the page print: text that a view of its task shows is not shown again below the cell.
 *
 * The notebook's model keeps everything, so files, other front-ends and other pages miss nothing. Only what is drawn
 * here is less. Which text is a task's, the kernel says in the header of each message. */

import type { IOutputModel } from "@jupyterlab/rendermime";
import type { Widget } from "@lumino/widgets";
import { TASK_MIME, parseOutputMetadata } from "../mime.js";
import { END_STATES } from "../../../model/reducer.js";
import type { Snapshot } from "../../../net/types.js";
import { parseRanges, restoredText, type StreamOutput } from "./saved_ranges.js";
import { StreamText, type Piece } from "./stream_text.js";

/** The field of a message's `parent_header` with the id of the task that printed the text. */
const TASK_FIELD = "jupyter_agent_task";

/** Milliseconds that text is held back for a view that does not know yet whether it shows it. */
const HOLD_TIME = 1000;

/** A view of a task in a cell. */
export interface View {
  readonly taskId: string;
  /** Whether the task's log can be read in it; null: not known yet. */
  readonly hasLog: boolean | null;
  /** Whether it gets the server's events now. */
  readonly live: boolean;
  readonly task: Snapshot | null;
}

/** The outputs of a cell. */
export interface Outputs {
  readonly length: number;
  get(at: number): IOutputModel;
}

interface Message {
  readonly header: { readonly msg_type: string };
  readonly parent_header: object;
  readonly content: object;
}

/** The messages that a cell's run answers with. */
interface Run {
  readonly isDisposed: boolean;
  onIOPub: (message: never) => unknown;
}

/** What draws the outputs of a cell; `future`: the cell's run, if this page started it. */
export interface Area extends Widget {
  readonly model: Outputs;
  readonly widgets: readonly Widget[];
  readonly future?: Run;
}

/** What draws a stream output. */
export interface StreamView extends Widget {
  redraw(): void;
}

export class CellText {
  readonly #outputs: Outputs;
  readonly #leavesOut: () => boolean;
  readonly #views = new Set<View>();
  /** Views that may still say whether they show what their task prints. */
  readonly #fresh = new Set<View>();
  readonly #texts = new WeakMap<IOutputModel, StreamText>();
  readonly #streamViews = new Map<IOutputModel, Set<StreamView>>();
  readonly #followed = new WeakSet<Run>();
  readonly #areas = new Set<Area>();
  readonly #hiddenResults = new WeakSet<Widget>();
  /** Whether a message is being handled, whose text is not noted yet. */
  #handling = false;

  /** `leavesOut`: whether text that a view shows is left out. */
  constructor(outputs: Outputs, leavesOut: () => boolean) {
    this.#outputs = outputs;
    this.#leavesOut = leavesOut;
  }

  addView(view: View): void {
    this.#views.add(view);
    this.#restore();
    this.#hold(view);
    this.refresh();
  }

  /** Hold back what the task prints until it is known whether `view` shows it, but not for long. */
  #hold(view: View): void {
    this.#fresh.add(view);
    setTimeout(() => {
      this.#fresh.delete(view);
      if (view.hasLog === null) this.refresh();
    }, HOLD_TIME);
  }

  removeView(view: View): void {
    this.#views.delete(view);
    this.refresh();
  }

  /** Add an area that draws the outputs, and follow the run that fills it, if it has one. Idempotent. */
  addArea(area: Area): void {
    this.#areas.add(area);
    if (area.future && !area.future.isDisposed) this.#follow(area.future);
  }

  addStreamView(output: IOutputModel, view: StreamView): void {
    const views = this.#streamViews.get(output) ?? new Set();
    if (views.has(view)) return;
    this.#streamViews.set(output, views.add(view));
    view.disposed.connect(() => {
      views.delete(view);
      if (views.size === 0) this.#streamViews.delete(output);
    });
  }

  /** Note who prints what a run answers with. Idempotent. */
  #follow(run: Run): void {
    if (this.#followed.has(run)) return;
    this.#followed.add(run);
    const handle: (message: never) => unknown = run.onIOPub;
    run.onIOPub = (message: Message) => this.#handle(message, handle as (message: Message) => unknown);
  }

  #handle(message: Message, handle: (message: Message) => unknown): unknown {
    const last = this.#last;
    const before = last?.type === "stream" ? textOf(last) : "";
    this.#handling = true;
    let result;
    try {
      result = handle(message);
    } finally {
      this.#handling = false;
    }
    if (message.header.msg_type === "stream") this.#note(message, { last, before });
    else if (message.header.msg_type === "execute_result") this.#refreshResults();
    return result;
  }

  #note(message: Message, was: { last: IOutputModel | null; before: string }): void {
    const output = this.#last;
    if (output?.type !== "stream") return;
    const text = this.#texts.get(output) ?? new StreamText();
    if (output === was.last && text.whole !== was.before) this.#addUnknown(text, was.before);
    const task = (message.parent_header as Record<string, unknown>)[TASK_FIELD];
    const id = typeof task === "string" ? task : null;
    const piece = { task: id, late: !this.#isLive(id), text: (message.content as { text: string }).text };
    text.add(piece, textOf(output));
    this.#texts.set(output, text);
    this.#redraw(output);
  }

  get #last(): IOutputModel | null {
    const { length } = this.#outputs;
    return length > 0 ? this.#outputs.get(length - 1) : null;
  }

  /** Add what has come without a message of this run, as no task's. */
  #addUnknown(text: StreamText, whole: string): void {
    text.add({ task: null, late: false, text: whole.slice(text.whole.length) }, whole);
  }

  #isLive(id: string | null): boolean {
    return [...this.#views].some((view) => view.taskId === id && view.live);
  }

  /** Return what is shown of a stream output; null: all. */
  shown(output: IOutputModel): string | null {
    const text = this.#texts.get(output);
    if (!text || !this.#leavesOut() || (!this.#handling && textOf(output) !== text.whole)) return null;
    const visible = text.visible((piece) => this.#isShownInView(piece));
    return visible.startsWith("\n") && this.#isTorn(output) ? visible.slice(1) : visible;
  }

  /** Return whether an output goes on with a line of an earlier one, and all between them is left out. */
  #isTorn(output: IOutputModel): boolean {
    const earlier = this.#all().slice(0, this.#all().indexOf(output));
    const before = earlier.findLast((one) => one.type !== "stream" || this.shown(one) !== "");
    if (before?.type !== "stream" || streamOf(before) !== streamOf(output)) return false;
    return !(this.shown(before) ?? textOf(before)).endsWith("\n");
  }

  #isShownInView({ task, late }: Piece): boolean {
    return [...this.#views].some((view) => {
      if (view.taskId !== task || view.hasLog === false) return false;
      return view.hasLog ? !late || view.live : this.#fresh.has(view);
    });
  }

  /** Draw again what may have changed: a view, or the user's setting. */
  refresh(): void {
    for (const output of this.#streamViews.keys()) this.#redraw(output);
    this.#refreshResults();
  }

  #redraw(output: IOutputModel): void {
    for (const view of this.#streamViews.get(output) ?? []) view.redraw();
  }

  /** Leave out the value of a cell that is a task, where the task's view shows the same text. */
  #refreshResults(): void {
    for (const area of this.#areas) {
      if (area.isDisposed) this.#areas.delete(area);
      else for (let at = 0; at < this.#outputs.length; at++) this.#refreshResult(area.widgets[at], at);
    }
  }

  #refreshResult(widget: Widget | undefined, at: number): void {
    const output = this.#outputs.get(at);
    if (!widget || output.type !== "execute_result") return;
    const { data } = output; // a copy, each time
    const isHidden =
      this.#leavesOut() && Object.keys(data).length === 1 && this.#isResult(data["text/plain"]);
    if (isHidden) this.#hiddenResults.add(widget);
    if (this.#hiddenResults.has(widget)) widget.setHidden(isHidden);
  }

  /** Return whether a view shows this value of its cell, or is about to. */
  #isResult(text: unknown): boolean {
    return [...this.#views].some((view) => {
      const { hasLog, live, task } = view;
      if (hasLog === false || task?.kind !== "cell") return false;
      if (END_STATES.has(task.state)) return task.result?.repr === text && task.state === "completed";
      return hasLog ? live : this.#fresh.has(view);
    });
  }

  /** Restore who printed what from the metadata of a file. */
  #restore(): void {
    const unknown = this.#streamOutputs().filter(({ output }) => !this.#texts.has(output));
    if (unknown.length === 0) return; // a cell may have hundreds of views, whose metadata is read below
    const saved = new Map(
      this.#taskOutputs().map(({ id, output }) => [id, parseRanges(output.metadata)] as const),
    );
    for (const { output, ...one } of unknown) {
      const text = restoredText(one, saved);
      if (text) this.#texts.set(output, text);
    }
  }

  /** Write who printed what into the metadata of the tasks' outputs. */
  save(): void {
    const streams = this.#streamOutputs();
    for (const { id, output } of this.#taskOutputs()) {
      const printed = streams.flatMap(({ output: one, stream, at, text }) => {
        const ranges = this.#texts.get(one)?.whole === text ? this.#texts.get(one)?.rangesOf(id) : null;
        return ranges?.length ? [{ stream, at, length: text.length, ranges }] : [];
      });
      if (JSON.stringify(printed) !== JSON.stringify(parseRanges(output.metadata)))
        setPrinted(output, printed);
    }
  }

  #all(): IOutputModel[] {
    return Array.from({ length: this.#outputs.length }, (_, at) => this.#outputs.get(at));
  }

  #taskOutputs(): { id: string; output: IOutputModel }[] {
    return this.#all().flatMap((output) => {
      const id = parseOutputMetadata(output.metadata)?.id;
      return id ? [{ id, output }] : [];
    });
  }

  #streamOutputs(): (StreamOutput & { output: IOutputModel })[] {
    const counts = new Map<string, number>();
    return this.#all().flatMap((output) => {
      if (output.type !== "stream") return [];
      const stream = streamOf(output);
      const at = counts.get(stream) ?? 0;
      counts.set(stream, at + 1);
      return [{ output, stream, at, text: textOf(output) }];
    });
  }
}

/** Return the name of a stream output's stream. */
function streamOf(output: IOutputModel): string {
  return (output.toJSON() as { name: string }).name;
}

/** Return the text of a stream output. */
function textOf(output: IOutputModel): string {
  const [text] = Object.values(output.data);
  return typeof text === "string" ? text : "";
}

function setPrinted(output: IOutputModel, printed: object[]): void {
  const shown = output.metadata[TASK_MIME] as object;
  const metadata = { ...output.metadata, [TASK_MIME]: { ...shown, printed } };
  output.setData({ metadata: metadata as unknown as IOutputModel["metadata"] });
}
