/** Text with markup that a task wrote, made harmless. */

import DOMPurify from "dompurify";
import { marked } from "marked";

const CLEAN = { FORBID_TAGS: ["style", "form", "input", "textarea", "select", "button"], FORBID_ATTR: ["style", "id", "name"] };

/** HTML without anything that runs, asks for something, or reaches beyond its place. */
export function sanitize(html: string): string {
  return DOMPurify.sanitize(html, CLEAN);
}

/** Markdown (GitHub's) as harmless HTML. */
export function markdown(text: string): string {
  return sanitize(marked.parse(text, { async: false, breaks: true }));
}

// A link leads away from the page, and does not tell where from.
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});
