/** Sanitized HTML and Markdown: untrusted markup from a task, made safe to show. */

import DOMPurify from "dompurify";
import { marked } from "marked";

// Data attributes and classes would act on the page: in JupyterLab a click on `data-commandlinker-command` runs a
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

/** Return HTML without scripts, forms, styles, and references to the page. */
export function sanitize(html: string): string {
  return DOMPurify.sanitize(html, CLEAN);
}

/** Render Markdown (GitHub's) as sanitized HTML. */
export function markdown(text: string): string {
  return sanitize(marked.parse(text, { async: false, breaks: true }));
}

// Links open in a new tab and send no referrer. Images must be data URLs: fetching one from elsewhere would send
// whatever the task wrote into its address to that host.
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
