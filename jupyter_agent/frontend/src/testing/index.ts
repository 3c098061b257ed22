/** Exports for the browser tests. Not part of the package. */

export { Connection } from "../net/connection.js";
export { Protocol } from "../net/protocol.js";
export { pageServer, serverAt } from "../net/server.js";
export { sharedConnection } from "../net/connection_pool.js";
export { TaskStore } from "../model/task_store.js";
export { applyEvent, emptyTask } from "../model/reducer.js";
export { TaskElement } from "../element/index.js";
export { default as widget } from "../widget/index.js";
