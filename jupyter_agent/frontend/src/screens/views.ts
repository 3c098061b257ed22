/** The views beside the list of tasks: each is an element in a file of the server, loaded when it is first shown. */

export interface View {
  /** Its word in the page's address: `?view=<name>`. */
  readonly name: string;
  /** Its words in the navigation; null: not there, only by its address. */
  readonly label: string | null;
  /** The file in `static/`, which defines the element. */
  readonly file: string;
  readonly element: string;
  /** Whether its address carries an argument: `?<name>=<argument>` in place of `?view=<name>`. */
  readonly takesArgument?: boolean;
}

/** What a view's element is given. It sends `ja-open` (a `Snapshot`, or the id of a task) to open a task, `ja-run`
 * (`RunOptions`) for the form, and `ja-compare` (ids) to compare tasks; all bubble. */
export interface ViewProperties {
  /** What follows the view's name in the address; empty for most. */
  argument: string;
  /** The task that is open beside the view; null: none. */
  current: string | null;
}

/** The list of tasks, which has no file of its own. */
export const TASKS = "tasks";

/** In the order of the navigation, after the list of tasks. */
export const VIEWS: readonly View[] = [
  { name: "compare", label: null, file: "compare.js", element: "jupyter-agent-compare", takesArgument: true },
  { name: "timeline", label: "Timeline", file: "timeline.js", element: "jupyter-agent-timeline" },
  { name: "schedules", label: "Schedules", file: "schedules.js", element: "jupyter-agent-schedules" },
  { name: "forwards", label: "Forwards", file: "schedules.js", element: "jupyter-agent-forwards" },
];

/** Return a view by its name; null for the list of tasks, and for a name that is not known. */
export function viewNamed(name: string): View | null {
  return VIEWS.find((view) => view.name === name) ?? null;
}
