import type { Environment } from "../agent/environment.ts";
import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";

/** What text is laid out for. */
export interface Page {
  /** How wide it is, in columns. */
  readonly columns: number;
  /** Whether a person looks at it; otherwise nothing is cut off, however long. */
  readonly terminal: boolean;
  readonly colours: boolean;
}

/** What every command works with. */
export interface Context {
  readonly env: Environment;
  /** Where profiles lie that are given by name. */
  readonly profilesFolder: string;
  /** Where events go: the log, or plain lines on standard error. */
  readonly report: Report;
  /** Says on standard error what is being done, one plain line each. */
  readonly tell: (text: string) => void;
  /** Writes to standard output. */
  readonly out: (text: string) => void;
  readonly page: Page;
  readonly clock: Clock;
}
