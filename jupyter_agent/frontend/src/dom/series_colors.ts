/** The colours of series, shared by plots and their titles. */

/** After Okabe and Ito, "Color Universal Design", 2008; a little lighter, for contrast on dark backgrounds, too. */
const COLORS = ["#3b8ede", "#e69f00", "#1fa774", "#d0679d", "#e2622b", "#7fb8e8", "#9a8fd8"];

export interface SeriesStyle {
  readonly color: string;
  readonly dashed: boolean;
}

export function seriesStyle(index: number): SeriesStyle {
  return { color: COLORS[index % COLORS.length]!, dashed: index >= COLORS.length };
}
