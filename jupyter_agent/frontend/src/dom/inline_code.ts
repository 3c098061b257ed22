/** Text with `code` between backticks, as Markdown has it, and no other markup. */

import { html, type TemplateResult } from "lit";

/** Render a question or a message where Markdown as a whole has no place. */
export function inlineCode(text: string): TemplateResult {
  const parts = text.split(/`([^`]+)`/);
  return html`${parts.map((part, index) => (index % 2 ? html`<code>${part}</code>` : part))}`;
}
