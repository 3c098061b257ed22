/** What a task's processes use, loaded by the first view that shows a running task. */

export { watchResources } from "./line.js";
