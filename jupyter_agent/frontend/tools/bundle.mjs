// Bundles one entry, with everything it imports, into one file.
import { readFile } from "node:fs/promises";
import { build, transform } from "esbuild";

/** Makes the default export of a style sheet its text, minified. */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const { code } = await transform(source, { loader: "css", minify: true, target });
      return { contents: code.trim(), loader: "text" };
    });
  },
};
/** Replaces the line breaks and the indentation between the parts of our templates by one space, which is what they
 * mean. Text that begins a line, as in `<pre>`, is not touched. */
const templates = {
  name: "templates",
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      return { contents: source.replace(/([>}"])\n +(?=[<@?.]|\$\{|aria-)/g, "$1 "), loader: "ts" };
    });
  },
};
const target = ["es2022", "chrome111", "firefox113", "safari16.4"];

/** Write `outfile`. Return the files that went in, relative to `folder`, and the external packages that are imported.
 * `options` are esbuild's. */
export async function bundle(folder, source, outfile, options = {}) {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: [source],
    outfile,
    bundle: true,
    format: "esm",
    target,
    minify: true,
    legalComments: "none", // see licences.mjs
    metafile: true,
    plugins: source.endsWith(".css") ? [] : [styles, templates],
    logLevel: "warning",
    ...options,
  });
  const [{ imports }] = Object.values(metafile.outputs);
  const external = imports.filter((one) => one.external && one.path !== "<runtime>").map(({ path }) => path);
  return { inputs: Object.keys(metafile.inputs), external };
}
