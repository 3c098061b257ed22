/** Reconnect delays with exponential backoff and full jitter.
 *
 * In seconds: uniform between 0 and a ceiling that doubles each time (Marc Brooker, "Exponential Backoff And
 * Jitter", AWS Architecture Blog, 2015). */

export class Backoff {
  attempts = 0;

  constructor(
    readonly first = 0.25,
    readonly max = 15,
  ) {}

  /** Return the next delay; `random` is uniform in [0, 1). */
  next(random: number): number {
    const ceiling = Math.min(this.max, this.first * 2 ** Math.min(this.attempts, 32));
    this.attempts += 1;
    return ceiling * random;
  }

  reset(): void {
    this.attempts = 0;
  }
}
