// How large the built files are, and how large they may be.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const KB = 1000;
const ELEMENT = 120 * KB;
const PANEL = 60 * KB; // what the JupyterLab extension may have beside the element

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

/** Prints the table of both folders' files; false when a limit is passed. */
export function report(served, extension) {
  const files = measured(served, "static");
  const lab = measured(extension, "labextension");
  const named = (...names) =>
    sum(files.filter(({ name }) => names.some((each) => name === `static/${each}`)));
  console.log("    bytes   gzipped");
  for (const file of [...files, ...lab]) console.log(row(file));
  console.log(`the element with its plots: ${named("element.js", "plot.js")} bytes`);
  const limits = [
    ["the element", named("element.js"), ELEMENT],
    ["the JupyterLab extension", sum(lab), named("element.js") + PANEL],
  ];
  for (const [what, bytes, limit] of limits) {
    console.log(`${what}: ${bytes} bytes of at most ${limit}${bytes > limit ? ": TOO LARGE" : ""}`);
  }
  return limits.every(([, bytes, limit]) => bytes <= limit);
}
