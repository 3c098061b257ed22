/** The clipboard: copying text, and saving it as a file. */

/** Milliseconds that a button shows that it has copied. */
const COPIED_LABEL_TIME = 1500;
/** Milliseconds that a browser has to start a download. */
const DOWNLOAD_TIMEOUT = 10_000;

/** Put a text on the clipboard. Rejects with a message when the browser refuses. */
export async function copyText(text: string): Promise<void> {
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard) return clipboard.writeText(text);
  // An insecure origin, such as http://host:8888, has no clipboard API: only the old command.
  const put = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("copy", put, { capture: true });
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way on an insecure origin
  const done = document.execCommand("copy");
  document.removeEventListener("copy", put, { capture: true });
  if (!done) throw new Error("The browser does not let this page copy.");
}

/** Let the browser save a text or a picture as a file. */
export function saveAsFile(name: string, content: string | Blob): void {
  const link = document.createElement("a");
  const blob = typeof content === "string" ? new Blob([content], { type: "text/plain" }) : content;
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_TIMEOUT);
}

/** Return the click handler of a button that copies `text`, and says so for a moment; or `refusal`, when it cannot. */
export function copyHandler(text: string, refusal: string): (event: Event) => Promise<void> {
  return async (event) => {
    const button = event.currentTarget as HTMLButtonElement;
    const label = button.textContent;
    const done = await copyText(text).then(
      () => "Copied",
      () => refusal,
    );
    if (button.dataset.busy) return;
    button.dataset.busy = "1";
    button.lastChild!.textContent = done;
    setTimeout(() => {
      button.lastChild!.textContent = label;
      delete button.dataset.busy;
    }, COPIED_LABEL_TIME);
  };
}
