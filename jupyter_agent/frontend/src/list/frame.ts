/** When to draw. */

/** Milliseconds between two drawings of what nobody sees. */
const UNSEEN = 1000;

/** Resolves with the next frame; of what nobody sees, after a second. */
export function nextFrame(seen: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (seen && !document.hidden) requestAnimationFrame(() => resolve());
    else setTimeout(resolve, UNSEEN);
  });
}
