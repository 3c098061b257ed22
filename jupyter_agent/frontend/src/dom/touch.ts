/** What the pointer of this device is. */

/** Return whether things are pressed with a finger, for which targets are 44 pixels high. */
export function isTouched(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}
