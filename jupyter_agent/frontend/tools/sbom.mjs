// The software bill of materials of what is bundled, as CycloneDX JSON. Without times and serial numbers: the same
// packages give the same file.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const licensed = (licence) =>
  / (OR|AND|WITH) /.test(licence) ? [{ expression: licence }] : [{ license: { id: licence } }];

function component(kind, type, name, version, licence) {
  const purl = `pkg:${kind}/${name.replace("@", "%40")}@${version}`;
  return { type, "bom-ref": purl, name, version, licenses: licensed(licence), purl };
}

/** `packages` are the entries of `licences`. */
export function sbom(folder, packages) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const whole = component("pypi", "application", name, version, license);
  const parts = packages.map((each) =>
    component("npm", "library", each.name, each.versionInfo, each.licenseId),
  );
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: whole },
    components: parts,
    dependencies: [
      { ref: whole["bom-ref"], dependsOn: parts.map((part) => part["bom-ref"]) },
      ...parts.map((part) => ({ ref: part["bom-ref"] })),
    ],
  };
}
