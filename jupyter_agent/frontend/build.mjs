// Builds every file that a browser loads: ../static/, ../labextension/, and lib/testing.js for the tests.
// `npm run build` prints the sizes and fails when one is over its limit.
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./tools/bundle.mjs";
import { labextension } from "./tools/labextension.mjs";
import { licences } from "./tools/licences.mjs";
import { report } from "./tools/sizes.mjs";

const here = import.meta.dirname;
const served = join(here, "..", "static");
const extension = join(here, "..", "labextension");
const scratch = join(here, "lib");

const entries = [
  ["src/element/index.ts", join(served, "element.js")],
  ["src/rich/index.ts", join(served, "rich.js")],
  ["src/plot/index.ts", join(served, "plot.js")],
  ["src/page/index.ts", join(served, "page.js")],
  ["src/page/page.css", join(served, "page.css")],
  ["src/widget/index.ts", join(served, "widget.js")],
  ["src/testing/index.ts", join(scratch, "testing.js")],
];

function present(source) {
  const found = existsSync(join(here, source));
  if (!found) console.log(`${source} does not exist yet: skipped`);
  return found;
}

for (const folder of [served, extension, scratch]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
const inputs = new Set();
for (const [source, outfile] of entries.filter(([source]) => present(source))) {
  for (const input of (await bundle(here, source, outfile)).inputs) inputs.add(input);
}
if (present("src/lab/index.ts")) {
  for (const input of await labextension(here, scratch, extension)) inputs.add(input);
}
const texts = licences(here, inputs);
writeFileSync(join(served, "third-party-licenses.json"), texts);
if (existsSync(join(extension, "static"))) {
  writeFileSync(join(extension, "static", "third-party-licenses.json"), texts);
}
process.exitCode = report(served, extension) ? 0 : 1;
