/** From a file's place on the server's machine to its path in Jupyter. */

/** The paths below the server's root that a file may have. The root may begin with "~", which only the server
 * knows; a home is at most three folders deep. */
export function pathsBelow(root: string, file: string): string[] {
  const above = withSlash(root);
  if (!file.startsWith("/")) return file ? [file] : [];
  if (!above.startsWith("~/")) return file.startsWith(above) ? [file.slice(above.length)] : [];
  const parts = file.split("/").slice(1);
  const homes = [1, 2, 3].map((depth) => `/${parts.slice(0, depth).join("/")}${above.slice(1)}`);
  return homes.filter((home) => file.startsWith(home)).map((home) => file.slice(home.length));
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
