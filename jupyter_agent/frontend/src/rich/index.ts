/** Text with markup that a task wrote, made harmless. */

import DOMPurify from "dompurify";
import { marked } from "marked";

// Data attributes and classes are the page's own words: in JupyterLab a click on `data-commandlinker-command` runs a
// command, and a `jp-Dialog` covers the page.
const CLEAN = {
  FORBID_TAGS: [
    "style",
    "form",
    "input",
    "textarea",
    "select",
    "button",
    "svg",
    "video",
    "audio",
    "picture",
    "source",
  ],
  FORBID_ATTR: ["style", "id", "name", "class", "background"],
  ALLOW_DATA_ATTR: false,
};

/** HTML without anything that runs, asks for something, or reaches beyond its place. */
export function sanitize(html: string): string {
  return DOMPurify.sanitize(html, CLEAN);
}

/** Markdown (GitHub's) as harmless HTML. */
export function markdown(text: string): string {
  return sanitize(marked.parse(text, { async: false, breaks: true }));
}

// A link leads away from the page, and does not tell where from. A picture is in the text itself: one from
// elsewhere would tell a stranger what was written into its address.
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer");
  } else if (node.tagName === "IMG" && !node.getAttribute("src")?.startsWith("data:image/")) {
    node.replaceWith(node.getAttribute("alt") ?? "");
  } else {
    node.removeAttribute("srcset");
  }
});
