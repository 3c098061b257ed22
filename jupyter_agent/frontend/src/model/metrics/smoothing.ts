/** Smoothing of noisy series. */

/** Return the exponential moving average of values, `weight` (below 1) being that of the past. The start is not pulled
 * towards zero. Gaps stay. */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let [sum, total] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    sum = sum * weight + value * (1 - weight);
    total = total * weight + (1 - weight);
    return sum / total;
  });
}
