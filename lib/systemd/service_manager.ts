/**
 * What hail tells the service manager that started it: the protocol of sd_notify(3).
 *
 * No method ever throws or rejects: a service manager that cannot be told must not stop a deployment.
 */
export interface ServiceManager {
  /** hail is up, or has read its configuration again: `READY=1`. */
  ready(): Promise<void>;
  /**
   * hail reads its configuration again: `RELOADING=1` and `MONOTONIC_USEC=`. {@linkcode ServiceManager.ready} must
   * follow, whether or not the new configuration is taken: until then the reload counts as unfinished.
   */
  reloading(): Promise<void>;
  /** What hail is doing, one line for `systemctl status`: `STATUS=`. */
  status(text: string): Promise<void>;
  /** hail still makes progress: `WATCHDOG=1`. */
  watchdog(): Promise<void>;
  /** hail is on its way out: `STOPPING=1`. */
  stopping(): Promise<void>;
  /**
   * Starting or stopping takes `duration` milliseconds more, counted from now: `EXTEND_TIMEOUT_USEC=`. The limit
   * of the unit (`TimeoutStartSec`, `TimeoutStopSec`) no longer counts from then on, so this must be said again
   * before the time is up.
   */
  extendTimeout(duration: number): Promise<void>;
  /** Lets go of the socket. What is said later goes nowhere. */
  close(): void;
}

/** The service manager of a hail that none has started, such as one that runs in a terminal. */
export const noServiceManager: ServiceManager = {
  ready: () => Promise.resolve(),
  reloading: () => Promise.resolve(),
  status: () => Promise.resolve(),
  watchdog: () => Promise.resolve(),
  stopping: () => Promise.resolve(),
  extendTimeout: () => Promise.resolve(),
  close: () => {},
};
