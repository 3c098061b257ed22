// The licences of the bundled packages: in the format that JupyterLab shows under Help > Licenses, and as an SBOM.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** "node_modules/@scope/name/file.js" -> "node_modules/@scope/name"; null for one of our files. */
function packageOf(input) {
  const found = input.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/);
  return found ? found[0] : null;
}

function licence(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((file) => /^licen[cs]e(\.(md|txt))?$/i.test(file));
  if (!file) throw new Error(`${name} ships no licence text`);
  return {
    name,
    versionInfo: version,
    licenseId: license,
    extractedText: readFileSync(join(folder, file), "utf8"),
  };
}

/** Return one entry for each package that these files belong to. */
export function licences(folder, inputs) {
  const folders = new Set([...inputs].map(packageOf).filter(Boolean));
  return [...folders].sort().map((path) => licence(join(folder, path)));
}
