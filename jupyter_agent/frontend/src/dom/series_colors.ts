/** The colours of series, shared by plots and their titles. */

/** After Okabe and Ito, "Color Universal Design", 2008; a little lighter, for contrast on dark backgrounds, too. */
const COLORS = ["#3b8ede", "#e69f00", "#1fa774", "#d0679d", "#e2622b", "#7fb8e8", "#9a8fd8"];

/** More of them, for runs beside each other. */
const RUN_COLORS = [...COLORS, "#a67c52", "#8a9a2b", "#21a8b5"];

/** Pixels of lines and gaps: of a whole line none. In pairs: a metric's first runs, and those with the same colours. */
export const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [9, 3, 2, 3], [14, 4], [1, 6]];

export interface SeriesStyle {
  readonly color: string;
  /** Which of `DASHES`. */
  readonly dash: number;
}

export function seriesStyle(index: number): SeriesStyle {
  return { color: COLORS[index % COLORS.length]!, dash: index < COLORS.length ? 0 : 1 };
}

/** Return the style of a run; twenty differ from each other. `place`: of its metric among those that share a panel. */
export function runStyle(index: number, place = 0): SeriesStyle {
  const dash = 2 * place + (index < RUN_COLORS.length ? 0 : 1);
  return { color: RUN_COLORS[index % RUN_COLORS.length]!, dash: dash % DASHES.length };
}
