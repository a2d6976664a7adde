/**
 * Time as the rest of hail sees it, so that decisions and loops can be tested without waiting.
 */
export interface Clock {
  /** The wall clock: milliseconds since 1970-01-01T00:00:00Z. It may jump. */
  now(): number;
  /** A clock that never jumps: milliseconds since an arbitrary moment. */
  monotonic(): number;
  /**
   * Waits for `duration` milliseconds.
   *
   * @param duration How long to wait, in milliseconds; zero or less waits for one turn of the event loop.
   * @param signal Ends the wait early. The promise then resolves as usual: being woken is not an error.
   */
  sleep(duration: number, signal?: AbortSignal): Promise<void>;
}
