// The build of the JupyterLab extension: bundled first, so that it shares only JupyterLab's own packages.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { bundle } from "./bundle.mjs";

const require = createRequire(import.meta.url);
const packages = (name) => dirname(require.resolve(`${name}/package.json`));
const core = () => join(packages("@jupyterlab/core-meta"), "core.package.json");
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Return the packages that JupyterLab shares, and their version ranges. */
function shared() {
  const { dependencies, resolutions } = json(core());
  return { ...dependencies, ...resolutions };
}

/** Return the shared packages that we use. Any release of the same major version will do: a newer range would be a
 * warning in older JupyterLabs. */
function sharedPackages(external) {
  const ranges = shared();
  const major = (name) => ranges[name].match(/\d+/)[0];
  return Object.fromEntries(external.map((name) => [name, { requiredVersion: `^${major(name)}.0.0` }]));
}

/** Write the package that the builder gets: one file, without dependencies of its own. */
function stage(folder, scratch, output, external) {
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
      sharedPackages: sharedPackages(external),
    },
  };
  mkdirSync(scratch, { recursive: true });
  writeFileSync(join(scratch, "package.json"), JSON.stringify(staged, null, 2));
  const config = {
    module: { parser: { javascript: { importDynamic: false } } }, // leave imports of URLs to the browser
    optimization: { moduleIds: "natural" }, // other kinds depend on the path of the tree
  };
  writeFileSync(join(scratch, "webpack.config.cjs"), `module.exports = ${JSON.stringify(config)};\n`);
}

/** Build into `output`. Return the files that went in. */
export async function labextension(folder, scratch, output) {
  const lab = join(scratch, "lab");
  const { inputs, external } = await bundle(folder, "src/lab/index.ts", join(lab, "index.js"), {
    external: Object.keys(shared()),
    minify: false, // the builder minifies; names and syntax are shorter when esbuild does it first
    minifyIdentifiers: true,
    minifySyntax: true,
  });
  stage(folder, lab, output, external);
  const program = join(packages("@jupyter/builder"), "lib", "build-labextension.js");
  const options = { cwd: lab, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
  try {
    execFileSync(process.execPath, [program, "--core-package-file", core(), lab], options);
  } catch (error) {
    throw new Error(`the JupyterLab extension could not be built:\n${error.stdout}${error.stderr}`);
  }
  return inputs;
}
