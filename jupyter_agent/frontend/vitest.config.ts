/** The unit tests: those of modules without a document, and those that need one. */

import { readFileSync } from "node:fs";
import { resolve, dirname } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";

const MARK = "\0styles:";

/** Make the default export of a style sheet its text, as the build does. */
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

const WITH_DOCUMENT = ["dom/**", "list/**", "page/**", "**/*_element", "**/notifier"].map(
  (place) => `test/${place.replace(/\*\*$/, "**/*")}.test.ts`,
);

export default defineConfig({
  plugins: [styles],
  test: {
    restoreMocks: true,
    unstubGlobals: true,
    pool: "threads",
    projects: [
      {
        extends: true,
        test: { name: "pure", include: ["test/**/*.test.ts"], exclude: WITH_DOCUMENT, isolate: false },
      },
      { extends: true, test: { name: "dom", include: WITH_DOCUMENT, environment: "happy-dom" } },
    ],
  },
});
