/** The lines of a log, the first with the number `first`. */
export const lines = (first: number, ...text: string[]) => ({
  first,
  end: first + text.length,
  lines: text.map((one) => ({ kind: "stdout" as const, text: one })),
});
