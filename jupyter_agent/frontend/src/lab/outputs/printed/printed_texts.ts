/** The text that cells print, for all cells of the page: its renderers, and who printed what in files. */

import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { IOutputModel, IRenderMime, IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { Widget } from "@lumino/widgets";
import { codeCells } from "../notebooks.js";
import { CellText, type Area, type Outputs, type StreamView, type View } from "./cell_text.js";

const STREAM_MIMES = ["application/vnd.jupyter.stdout", "application/vnd.jupyter.stderr"];

export class PrintedTexts {
  #leavesOut = true;
  readonly #cells = new WeakMap<Outputs, CellText>();
  /** The cells whose text is known, for as long as the page has them. */
  readonly #known = new Set<WeakRef<CellText>>();

  /** Set whether text that a view shows is left out below it. */
  set leavesOut(leavesOut: boolean) {
    if (this.#leavesOut === leavesOut) return;
    this.#leavesOut = leavesOut;
    for (const cell of this.#known) cell.deref()?.refresh();
  }

  /** Add a view, drawn by `widget`; null where it is in no area of outputs. */
  addView(widget: Widget, view: View): CellText | null {
    const area = areaOf(widget);
    if (!area) return null;
    const cell = this.#of(area.model);
    cell.addArea(area);
    cell.addView(view);
    return cell;
  }

  #of(outputs: Outputs): CellText {
    let cell = this.#cells.get(outputs);
    if (!cell) {
      cell = new CellText(outputs, () => this.#leavesOut);
      this.#cells.set(outputs, cell);
      this.#known.add(new WeakRef(cell));
    }
    return cell;
  }

  /** Write who printed what into the notebooks of the page whenever they are saved. */
  watch(tracker: INotebookTracker): void {
    const watch = (panel: NotebookPanel) =>
      panel.context.saveState.connect((_, state) => {
        if (state === "started" && !panel.context.model.collaborative) this.#save(panel);
      });
    tracker.forEach(watch);
    tracker.widgetAdded.connect((_, panel) => void watch(panel));
  }

  #save(panel: NotebookPanel): void {
    for (const { outputs } of codeCells(panel.content.model)) this.#cells.get(outputs)?.save();
  }

  /** Have the text of streams drawn without what a view shows. `rank`: ahead of the renderers that are there. */
  addRenderers(rendermime: IRenderMimeRegistry, rank: number): void {
    for (const type of STREAM_MIMES) {
      const factory = rendermime.getFactory(type);
      if (!factory) continue;
      const createRenderer = (options: IRenderMime.IRendererOptions) =>
        this.#filtered(factory.createRenderer(options), type);
      rendermime.addFactory({ safe: factory.safe, mimeTypes: [type], createRenderer }, rank);
    }
  }

  #filtered(renderer: IRenderMime.IRenderer, type: string): IRenderMime.IRenderer {
    const draw = renderer.renderModel.bind(renderer);
    let drawn: IOutputModel | null = null;
    const redraw = () => {
      const text = this.#shown(drawn!, renderer as unknown as StreamView);
      setShown(renderer, text !== "");
      return draw(text === null ? drawn! : withText(drawn!, type, text));
    };
    renderer.renderModel = (model) => {
      drawn = model as IOutputModel;
      return redraw();
    };
    return Object.assign(renderer, { redraw: () => void redraw() });
  }

  /** Return what is shown of an output that `view` draws; null: all. */
  #shown(output: IOutputModel, view: StreamView): string | null {
    const area = areaOf(view);
    if (!area) {
      // It is being made: its place in the page comes next.
      queueMicrotask(() => {
        if (!view.isDisposed && areaOf(view) && this.#shown(output, view) !== null) view.redraw();
      });
      return null;
    }
    const cell = this.#of(area.model);
    cell.addStreamView(output, view);
    return cell.shown(output);
  }
}

/** Return the area of outputs that a widget is in; null for a widget elsewhere. */
export function areaOf(widget: Widget): Area | null {
  for (let at = widget.parent; at; at = at.parent)
    if ("model" in at && "future" in at && "widgets" in at) return at as Area;
  return null;
}

/** Show or hide an output, with its prompt. */
function setShown(renderer: Widget, isShown: boolean): void {
  const item = renderer.parent ?? renderer;
  if (item.isHidden === isShown) item.setHidden(!isShown);
}

function withText(output: IOutputModel, type: string, text: string): IRenderMime.IMimeModel {
  const { trusted, metadata } = output;
  return { trusted, metadata, data: { [type]: text }, setData: () => undefined };
}
