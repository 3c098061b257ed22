import { readFileSync } from "node:fs";
import { resolve, dirname } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";

const MARK = "\0styles:";

/** An imported stylesheet is its text, as in the build. */
const styles: Plugin = {
  name: "styles",
  enforce: "pre",
  resolveId(source, importer) {
    if (!source.endsWith(".css") || !importer) return null;
    return `${MARK}${resolve(dirname(importer), source)}.text`;
  },
  load(id) {
    if (!id.startsWith(MARK)) return null;
    const path = id.slice(MARK.length, -".text".length);
    return `export default ${JSON.stringify(readFileSync(path, "utf8"))};`;
  },
};

export default defineConfig({
  plugins: [styles],
  test: { environment: "happy-dom", include: ["test/**/*.test.ts"], restoreMocks: true, unstubGlobals: true },
});
