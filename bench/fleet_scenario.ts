/** The fleet that is simulated, and what happens to its Hydra. */

/** The hosts, each with one service. */
export const HOSTS = 50_000;

/** How often each polls, in seconds. */
export const PERIOD = 300;

/** Requests a second, if they were spread evenly. */
export const MEAN = HOSTS / PERIOD;

/** A span of virtual time, in seconds from the start. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export const HOUR = 3600;

/** When Hydra does not answer. */
export const OUTAGES: readonly Span[] = [
  { from: HOUR, to: 2 * HOUR },
  { from: 2.5 * HOUR, to: 2.5 * HOUR + 60 },
];

/** When the simulation ends. */
export const END = 3 * HOUR;
