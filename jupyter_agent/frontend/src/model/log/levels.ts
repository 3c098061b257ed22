/** Levels of log records, exactly as `jupyter_agent.core.logs.levels` has them. */

export const LEVELS = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 } as const;
export type Level = keyof typeof LEVELS;

const NUMBERS: Record<string, number> = {
  ...LEVELS,
  notset: 0,
  trace: 5,
  notice: 25,
  success: 25,
  warn: 30,
  fatal: 50,
};

/** Return the number of a level's name, in any case; that of `info` for an unknown one. */
export function severity(level: string | null | undefined): number {
  const name = (level ?? "").toLowerCase();
  const numbered = /^level (\d{1,4})$/.exec(name);
  if (numbered) return Number(numbered[1]);
  return Object.hasOwn(NUMBERS, name) ? NUMBERS[name]! : LEVELS.info;
}

/** Return the highest standard level that is not above `level`; `debug` for lower ones. */
export function standardLevel(level: string | null | undefined): Level {
  const names = Object.keys(LEVELS) as Level[];
  return names.findLast((name) => LEVELS[name] <= severity(level)) ?? "debug";
}
