/** Copying a task's id, with a word about it. */

const SAID = 1500;

/** What a button does that copies `id`. */
export function copyId(id: string): (event: Event) => Promise<void> {
  return async (event) => {
    const button = event.currentTarget as HTMLButtonElement;
    const word = button.textContent;
    const done = await navigator.clipboard.writeText(id).then(() => "Copied", () => id);
    if (button.dataset.busy) return;
    button.dataset.busy = "1";
    button.lastChild!.textContent = done;
    setTimeout(() => {
      button.lastChild!.textContent = word;
      delete button.dataset.busy;
    }, SAID);
  };
}
