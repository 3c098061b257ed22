/** Notebooks that several pages edit at the same time: loaded from the server when one is open. */

export { SharedNotebook } from "./shared_notebook.js";
