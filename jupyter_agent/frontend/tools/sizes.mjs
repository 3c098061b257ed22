// The sizes of the built files, and their limits.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Bytes. */
const KB = 1000;
const MAX_ELEMENT = 150 * KB; // without plots
const MAX_EXTENSION = 200 * KB;

function measured(folder, label) {
  const names = readdirSync(folder).filter((name) => /\.(js|css)$/.test(name));
  return names.sort().map((name) => {
    const content = readFileSync(join(folder, name));
    return {
      name: `${label}/${name}`,
      bytes: content.length,
      gzipped: gzipSync(content, { level: 9 }).length,
    };
  });
}

const sum = (files) => files.reduce((total, { bytes }) => total + bytes, 0);

function row({ name, bytes, gzipped }) {
  return `${String(bytes).padStart(9)} ${String(gzipped).padStart(9)}  ${name}`;
}

/** Print the table of both folders' files. Return false if a file is over its limit. */
export function report(served, extension) {
  const files = measured(served, "static");
  const lab = measured(extension, "labextension");
  const named = (...names) =>
    sum(files.filter(({ name }) => names.some((each) => name === `static/${each}`)));
  console.log("    bytes   gzipped");
  for (const file of [...files, ...lab]) console.log(row(file));
  console.log(`the element with its plots: ${named("element.js", "plot.js")} bytes`);
  const limits = [
    ["the element", named("element.js"), MAX_ELEMENT],
    ["the JupyterLab extension", sum(lab), MAX_EXTENSION],
  ];
  for (const [what, bytes, limit] of limits) {
    console.log(`${what}: ${bytes} bytes of at most ${limit}${bytes > limit ? ": TOO LARGE" : ""}`);
  }
  return limits.every(([, bytes, limit]) => bytes <= limit);
}
