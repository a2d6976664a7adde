import { Failure } from "../failure/failure.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Trouble } from "./trouble.ts";

/** How long a trouble that goes on is not told again, in milliseconds. */
const SILENCE = 3600_000;

/** What became of a damaged database: its new path, that there is nothing left of it, or that it cannot be moved. */
export type Remains = { readonly aside: string } | "gone" | "stuck";

interface Told {
  readonly why: string;
  readonly at: number;
}

/** Tells the operator how hail gets on with its database: loudly, but not all the time. */
export class Notices {
  readonly #file: string;
  readonly #report: Report;
  readonly #now: () => number;
  /** What was told of a trouble that goes on. */
  #failing: Told | null = null;
  #stuck: Told | null = null;

  constructor(file: string, report: Report, now: () => number) {
    this.#file = file;
    this.#report = report;
    this.#now = now;
  }

  /**
   * Said each time; of one that cannot be moved aside, as {@linkcode Notices.unwritable}.
   *
   * @param inMemory Whether hail remembers what it held; not at a start.
   */
  damaged({ why }: Trouble, remains: Remains, inMemory: boolean): void {
    if (remains === "stuck" && this.#isOld(this.#stuck, why)) return;
    this.#stuck = remains === "stuck" ? { why, at: this.#now() } : null;
    const moved = typeof remains === "object"
      ? `It was moved to ${remains.aside} and a new one is begun`
      : remains === "gone"
      ? "A new one is begun"
      : "It cannot be moved aside, so hail goes on in memory";
    const lost = inMemory
      ? "with all that hail knows; only the history before is missing in it."
      : "from what the profile shows; what was marked bad, a pause and the history are forgotten.";
    this.#report(failureEvent(
      new Failure("state-damaged", { what: this.#file, why, next: `${moved}, ${lost}` }),
      typeof remains === "object" ? { moved_to: remains.aside } : {},
    ));
  }

  /** Said once; again when the reason changes, and at most hourly. */
  unwritable({ why }: Trouble): void {
    if (this.#isOld(this.#failing, why)) return;
    this.#failing = { why, at: this.#now() };
    this.#report(failureEvent(
      new Failure("state-unwritable", {
        what: this.#file,
        why,
        next: "hail goes on in memory and writes everything when it can; until then a restart forgets it. " +
          "Make room on the disk, or give hail a state-dir that it can write.",
      }),
    ));
  }

  /**
   * Something was written; that is told if it could not be for a while.
   *
   * @param transitions How many had waited for it.
   * @param lost How many were given up before.
   */
  written(transitions: number, lost: number): void {
    if (this.#failing === null) return;
    this.#failing = null;
    this.#report({
      name: "state-written-again",
      level: "info",
      message: `the state can be written again, to ${this.#file}; ${transitions} transitions had waited${
        lost === 0 ? "" : ` and ${lost} older ones are missing in the history`
      }`,
      fields: { file: this.#file, transitions, lost },
    });
  }

  /** The schema was brought up to date. */
  migrated(from: number, to: number, copy: string): void {
    this.#report({
      name: "state-migrated",
      level: "info",
      message:
        `${this.#file} was brought from version ${from} to ${to}; as it was, for an older hail, it is ${copy}`,
      fields: { file: this.#file, from, to, copy },
    });
  }

  /** Whether this was told a short while ago. */
  #isOld(told: Told | null, why: string): boolean {
    if (told?.why !== why) return false;
    const silent = this.#now() - told.at;
    // A clock that was set back must not silence it for longer.
    return silent >= 0 && silent < SILENCE;
  }
}
