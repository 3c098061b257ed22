// One entry into one file, with everything it imports inside.
import { readFile } from "node:fs/promises";
import { build, transform } from "esbuild";

/** A stylesheet that TypeScript imports is its text, minified. */
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
const target = ["es2022", "chrome111", "firefox113", "safari16.4"];

/** Writes `outfile`; what went in (files relative to `folder`), and what is asked of others. `options` go to esbuild. */
export async function bundle(folder, source, outfile, options = {}) {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: [source],
    outfile,
    bundle: true,
    format: "esm",
    target,
    minify: true,
    legalComments: "none", // all licences go into one file of their own
    metafile: true,
    plugins: source.endsWith(".css") ? [] : [styles],
    logLevel: "warning",
    ...options,
  });
  const [{ imports }] = Object.values(metafile.outputs);
  const asked = imports
    .filter(({ external, path }) => external && path !== "<runtime>")
    .map(({ path }) => path);
  return { inputs: Object.keys(metafile.inputs), asked };
}
