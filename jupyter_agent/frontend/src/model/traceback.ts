/** Tracebacks: the user's frames, and the frames of libraries in a row. */

// As in `jupyter_agent.rendering.tracebacks`; `tests/tracebacks.json` has cases for both.

const FRAME = /^([ |]*)(?:File "([^"]*)"|Cell (?:In)?\[(\d+)\]), line (\d+)((?:, in .*)?)$/;
const PACKAGE = /(?:site|dist)-packages[/\\]([^/\\]+?)(?:\.py)?(?:[/\\]|$)/;
const PYTHON = /^<frozen |\/lib(?:64)?\/python3[^/]*\/|[/\\]Python3\d*[/\\]Lib[/\\]/;
const DEEPER = /^[ |]* {4}|^[ |]*\[Previous line repeated/;

/** A line of a notebook: the cell's number as in [8], the line (from 1), and its text as it was. */
export interface CellPlace {
  readonly number: number;
  readonly line: number;
  readonly source: string;
}

/** Lines that belong together: a frame of the user's, frames of libraries, or what is between. */
export interface TracebackBlock {
  readonly kind: "user" | "library" | "text";
  readonly lines: string[];
  /** Whose frames they are, and how many. */
  readonly packages: string[];
  frames: number;
}

/** Return a traceback in blocks. Where no frame is the user's, all of it is text. */
export function tracebackBlocks(traceback: string): TracebackBlock[] {
  const blocks: TracebackBlock[] = [];
  for (const line of traceback.replace(/\n+$/, "").split("\n")) {
    const frame = FRAME.exec(line);
    const last = blocks.at(-1);
    if (frame) addFrame(blocks, line, packageOf(frame[2]));
    else if (last && (last.kind === "text" || DEEPER.test(line))) last.lines.push(line);
    else blocks.push({ kind: "text", lines: [line], packages: [], frames: 0 });
  }
  if (blocks.some(({ kind }) => kind === "user")) return blocks;
  return [{ kind: "text", lines: blocks.flatMap(({ lines }) => lines), packages: [], frames: 0 }];
}

function addFrame(blocks: TracebackBlock[], line: string, name: string): void {
  const last = blocks.at(-1);
  if (!name || last?.kind !== "library") {
    const packages = name ? [name] : [];
    blocks.push({ kind: name ? "library" : "user", lines: [line], packages, frames: 1 });
    return;
  }
  last.lines.push(line);
  last.frames += 1;
  if (!last.packages.includes(name)) last.packages.push(name);
}

/** Return the library of a source file; empty for the user's own, and for a cell. */
function packageOf(file: string | undefined): string {
  if (file === undefined) return "";
  return PACKAGE.exec(file)?.[1] ?? (PYTHON.test(file) ? "Python" : "");
}

/** Return what stands for folded frames: "3 frames in pandas, numpy". */
export function foldedText({ frames, packages }: TracebackBlock): string {
  return `${frames} ${frames === 1 ? "frame" : "frames"} in ${packages.join(", ")}`;
}

/** Return a user's frame in parts; `place`: null when it is not in a cell. */
export function frameParts({ lines }: TracebackBlock): {
  place: CellPlace | null;
  indent: string;
  where: string;
  rest: string;
} {
  const [, indent = "", , number, line, rest = ""] = FRAME.exec(lines[0]!) ?? [];
  const where = lines[0]!.slice(indent.length, lines[0]!.length - rest.length);
  const place = number ? { number: Number(number), line: Number(line), source: lines[1] ?? "" } : null;
  return { place, indent, where, rest };
}

/** The parameter of an address that names a task. */
const TASK = "agent-task";

/** Return the address at which JupyterLab opens the notebook of a task at a line. `base`: the server's base URL. */
export function cellAddress(base: string, task: string, { number, line, source }: CellPlace): string {
  const query = new URLSearchParams({ [TASK]: task, cell: String(number), line: String(line), source });
  return new URL(`lab?${query}`, base).href;
}

/** Return the task and the line that the query of an address names; null when it names none. */
export function cellInAddress(search: string): { task: string; place: CellPlace } | null {
  const query = new URLSearchParams(search);
  const [task, number, line] = [query.get(TASK), Number(query.get("cell")), Number(query.get("line"))];
  if (!task || !Number.isInteger(number) || !Number.isInteger(line) || line < 1) return null;
  return { task, place: { number, line, source: query.get("source") ?? "" } };
}
