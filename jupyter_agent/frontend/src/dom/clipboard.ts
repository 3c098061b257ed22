/** What a person takes along: a text on the clipboard, a task's id, a file. */

const SAID = 1500;
/** Milliseconds that a browser has to take a file. */
const TAKEN = 10_000;

/** Put a text on the clipboard. Rejects with a sentence where the browser does not let the page. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // An address that is not secure, such as http://host:8888, has the old way only.
  const give = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("copy", give, { capture: true });
  const done = document.execCommand("copy");
  document.removeEventListener("copy", give, { capture: true });
  if (!done) throw new Error("The browser does not let this page copy.");
}

/** Let the browser save a text as a file. */
export function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), TAKEN);
}

/** What a button does that copies `id`. */
export function copyId(id: string): (event: Event) => Promise<void> {
  return async (event) => {
    const button = event.currentTarget as HTMLButtonElement;
    const word = button.textContent;
    const done = await copyText(id).then(
      () => "Copied",
      () => id,
    );
    if (button.dataset.busy) return;
    button.dataset.busy = "1";
    button.lastChild!.textContent = done;
    setTimeout(() => {
      button.lastChild!.textContent = word;
      delete button.dataset.busy;
    }, SAID);
  };
}
