// The JupyterLab extension: bundled first, so that only JupyterLab's own packages are asked of JupyterLab.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { bundle } from "./bundle.mjs";

const require = createRequire(import.meta.url);
const packages = (name) => dirname(require.resolve(`${name}/package.json`));
const core = () => join(packages("@jupyterlab/core-meta"), "core.package.json");
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

/** The packages that JupyterLab has, and their version ranges. */
function shared() {
  const { dependencies, resolutions } = json(core());
  return { ...dependencies, ...resolutions };
}

/** Any release of the same major version will do: a newer range would be a warning in older JupyterLabs. */
function wanted(asked) {
  const ranges = shared();
  const major = (name) => ranges[name].match(/\d+/)[0];
  return Object.fromEntries(asked.map((name) => [name, { requiredVersion: `^${major(name)}.0.0` }]));
}

/** What the builder is given: a package of one file, without dependencies of its own. */
function stage(folder, scratch, output, asked) {
  const { name, version, description, license, jupyterlab } = json(join(folder, "package.json"));
  const staged = {
    name,
    version,
    description,
    license,
    main: "index.js",
    dependencies: {},
    jupyterlab: {
      ...jupyterlab,
      outputDir: relative(scratch, output),
      schemaDir: relative(scratch, join(folder, jupyterlab.schemaDir)),
      webpackConfig: "webpack.config.cjs",
      sharedPackages: wanted(asked),
    },
  };
  mkdirSync(scratch, { recursive: true });
  writeFileSync(join(scratch, "package.json"), JSON.stringify(staged, null, 2));
  const config = {
    module: { parser: { javascript: { importDynamic: false } } }, // an import of an address is the browser's
    optimization: { moduleIds: "natural" }, // the other kinds depend on where the tree lies
  };
  writeFileSync(join(scratch, "webpack.config.cjs"), `module.exports = ${JSON.stringify(config)};\n`);
}

/** Builds into `output`; returns the files that went in. */
export async function labextension(folder, scratch, output) {
  const lab = join(scratch, "lab");
  const { inputs, asked } = await bundle(folder, "src/lab/index.ts", join(lab, "index.js"), {
    external: Object.keys(shared()),
    minifySyntax: true,
    minifyIdentifiers: true,
    minify: false,
  });
  stage(folder, lab, output, asked);
  const program = join(packages("@jupyter/builder"), "lib", "build-labextension.js");
  const options = { cwd: lab, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
  try {
    execFileSync(process.execPath, [program, "--core-package-file", core(), lab], options);
  } catch (error) {
    throw new Error(`the JupyterLab extension could not be built:\n${error.stdout}${error.stderr}`);
  }
  return inputs;
}
