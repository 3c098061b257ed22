// The direction of imports: down only and without circles, type-only imports included.

/** From the bottom up. Folders of one layer do not import each other. */
const LAYERS = [
  ["net"],
  ["model"],
  ["dom"],
  ["plot", "rich", "log", "resources"],
  ["element"],
  ["list"],
  ["screens"],
  ["compare", "run", "schedules", "timeline"],
  ["page", "widget", "lab"],
  ["testing"],
];

/** The same inside `lab/`; the modules of `lab/` itself lie above these. */
const LAB_LAYERS = [["outputs", "notifications"], ["panel"], ["run"]];

function downOnly(root, layers) {
  return layers.flatMap((layer, at) =>
    layer.map((folder) => ({
      name: `${root}${folder} imports what is below it`,
      severity: "error",
      from: { path: `^${root}${folder}/` },
      to: { path: `^${root}(${layers.slice(at).flat().join("|")})/`, pathNot: `^${root}${folder}/` },
    })),
  );
}

export default {
  forbidden: [
    ...downOnly("src/", LAYERS),
    ...downOnly("src/lab/", LAB_LAYERS),
    {
      name: "lab's folders do not import the modules above them",
      severity: "error",
      from: { path: "^src/lab/[^/]+/" },
      to: { path: "^src/lab/[^/]+$" },
    },
    { name: "no circles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "plot, rich, log and resources are loaded when a view needs them: others import their types only",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(plot|rich|log|resources)/" },
      to: { path: "^src/(plot|rich|log|resources)/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "so are the screens that a page rarely shows",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(compare|run|schedules|timeline)/" },
      to: { path: "^src/(compare|run|schedules|timeline)/" },
    },
    {
      name: "so is what edits shared notebooks",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/lab/outputs/shared/" },
      to: { path: "^src/lab/outputs/shared/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "in JupyterLab so is the list, but for the texts of a row",
      severity: "error",
      from: { path: "^src/lab/" },
      to: { path: "^src/list/", pathNot: "^src/list/labels", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "only tests import src/testing",
      severity: "error",
      from: { path: "^src/(?!testing/)" },
      to: { path: "^src/testing/" },
    },
    { name: "every import is found", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true, // types count, too
    enhancedResolveOptions: { extensions: [".ts", ".js", ".mjs", ".css", ".json"] },
  },
};
