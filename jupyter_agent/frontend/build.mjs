// The build of everything that a browser loads: ../static/, ../labextension/, and lib/testing.js for the tests.
// Prints the sizes. If a step fails, or a file is over its limit, the previous build stays.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./tools/bundle.mjs";
import { labextension } from "./tools/labextension.mjs";
import { licences } from "./tools/licences.mjs";
import { sbom } from "./tools/sbom.mjs";
import { report } from "./tools/sizes.mjs";

const here = import.meta.dirname;
const entries = {
  "static/element.js": "src/element/index.ts",
  "static/list.js": "src/list/index.ts",
  "static/rich.js": "src/rich/index.ts",
  "static/plot.js": "src/plot/index.ts",
  "static/resources.js": "src/resources/index.ts",
  "static/compare.js": "src/compare/index.ts",
  "static/run.js": "src/run/index.ts",
  "static/schedules.js": "src/schedules/index.ts",
  "static/log.js": "src/log/index.ts",
  "static/shared.js": "src/lab/outputs/shared/index.ts",
  "static/timeline.js": "src/timeline/index.ts",
  "static/page.js": "src/page/index.ts",
  "static/page.css": "src/page/page.css",
  "static/widget.js": "src/widget/index.ts",
  "testing.js": "src/testing/index.ts",
};
const destinations = {
  static: join(here, "..", "static"),
  labextension: join(here, "..", "labextension"),
  "testing.js": join(here, "lib", "testing.js"),
};

const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

async function buildInto(scratch) {
  const inputs = new Set(await labextension(here, scratch, join(scratch, "labextension")));
  for (const [outfile, source] of Object.entries(entries)) {
    for (const input of (await bundle(here, source, join(scratch, outfile))).inputs) inputs.add(input);
  }
  const packages = licences(here, inputs);
  for (const folder of ["static", "labextension/static"]) {
    writeJson(join(scratch, folder, "third-party-licenses.json"), { packages });
  }
  writeJson(join(scratch, "static", "jupyter-agent-tasks.cdx.json"), sbom(here, packages));
}

/** Replace the previous build. */
function install(scratch) {
  for (const [name, destination] of Object.entries(destinations)) {
    rmSync(destination, { recursive: true, force: true });
    renameSync(join(scratch, name), destination);
  }
}

mkdirSync(join(here, "lib"), { recursive: true });
const scratch = mkdtempSync(join(here, "lib", "new-"));
try {
  await buildInto(scratch);
  if (report(join(scratch, "static"), join(scratch, "labextension", "static"))) install(scratch);
  else process.exitCode = 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
