/** Contents paths: from a file on the server's machine to its path in Jupyter. */

/** Return the paths below the server's root that a file may have. The root may begin with "~", which only the server
 * can resolve: try home folders that are up to three levels deep. */
export function pathsBelow(root: string, file: string): string[] {
  const rootFolder = withSlash(root);
  if (!file.startsWith("/")) return file ? [file] : [];
  if (!rootFolder.startsWith("~/")) return file.startsWith(rootFolder) ? [file.slice(rootFolder.length)] : [];
  const parts = file.split("/").slice(1);
  const homes = [1, 2, 3].map((depth) => `/${parts.slice(0, depth).join("/")}${rootFolder.slice(1)}`);
  return homes.filter((home) => file.startsWith(home)).map((home) => file.slice(home.length));
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
