/**
 * What the deployment asks of the world. The adapters in `nix/`, `activation/` and `hydra/` implement it; tests
 * stand in for it.
 */
import type { StorePath } from "../nix/store_path.ts";
import type { Build } from "./build.ts";
import type { Advance, Closed, ServiceRecord } from "./record.ts";

export type { Build } from "./build.ts";

/** What hail asks a Hydra: about one job, whose URI its maker was given. */
export interface Hydra {
  /**
   * Polls: the id of the latest build of the job, as its selector says. It may be lower than the last time.
   *
   * @param signal Gives up the poll. Its reason is then thrown as it is.
   * @throws {Failure} `hydra-unreachable`, `hydra-timeout` or `hydra-failed` (perhaps with `retryAfter`) if Hydra
   * cannot answer now; `hydra-refused`, `hydra-no-build` or `hydra-unusable` if the answer is no build.
   */
  latest(signal: AbortSignal): Promise<number>;

  /**
   * Fetches a build and checks that it can be deployed: it is finished, it succeeded, and its output `out` is a
   * store path.
   *
   * @param id An id that {@linkcode Hydra.latest} gave.
   * @param signal Gives up the request. Its reason is then thrown as it is.
   * @throws {Failure} As {@linkcode Hydra.latest}; `hydra-no-build` also if there is no such build, `hydra-unusable`
   * also if it is unfinished, did not succeed, has no usable output, or the answer is no build.
   */
  build(id: number, signal: AbortSignal): Promise<Build>;
}

/** What the gates are asked about. */
export interface GateQuestion {
  /** The build that is to be deployed. */
  readonly build: Build;
  /** When Hydra was first seen to name it: milliseconds since 1970. */
  readonly knownSince: number;
  /** Whether nothing runs yet that an update could disturb: then the gates that only say when are open. */
  readonly first: boolean;
  /** Whether somebody has said that there is news: then an answer of a moment ago is not good enough. */
  readonly woken?: boolean;
}

/** Says whether a build may be deployed now. It is asked before the build is realised, and once more before the switch. */
export interface Gates {
  /** How long an answer may take at the most, in milliseconds. */
  readonly limit: number;
  /**
   * Asks one gate after the other.
   *
   * @param signal Gives up. Its reason is then thrown as it is.
   * @returns The first gate that is closed; null where all are open.
   * @throws {Failure} `gate-failed`, or what Hydra's answers throw: it cannot be known whether one is open.
   */
  ask(question: GateQuestion, signal: AbortSignal): Promise<Closed | null>;
}

/** What hail asks of Nix for one profile. */
export interface Nix {
  /**
   * Fetches a store path and its closure from the substituters; nothing is built or evaluated. From then on the
   * path is protected from the garbage collector, until {@linkcode Nix.release}.
   *
   * @param signal Ends the work; the promise then rejects with the signal's reason.
   * @throws {Failure} One of the codes that stand for exit status 12; `no-room` if there is too little room for it,
   * before anything is fetched.
   */
  realise(path: StorePath, signal: AbortSignal): Promise<void>;
  /**
   * Protects a path that may be gone back to from the garbage collector, until {@linkcode Nix.release}. It never fails.
   */
  protect(path: StorePath): Promise<void>;
  /**
   * Makes a new generation of the profile that points at the path, and makes it the current one. When it returns, this
   * survives a power cut.
   *
   * @throws {Failure} `switch-failed`.
   */
  switchTo(path: StorePath): Promise<void>;
  /**
   * Takes the profile away, and its generations that point at the path; it was not there before hail came. When it
   * returns, this survives a power cut. Nothing there is no error.
   *
   * @throws {Failure} `switch-failed`.
   */
  remove(path: StorePath): Promise<void>;
  /**
   * Ends the protection of the path that was realised last, which is a generation by now, and of the one that was to be
   * gone back to. It never fails: what stays protected is only kept a little longer, until the next realisation.
   */
  release(): Promise<void>;
  /**
   * Removes generations that are older than the retention allows. Never the current one, one that points at a path of
   * `keep`, or one that another link leads to. It never fails; what went wrong is reported.
   *
   * @param keep The paths of the active version and of the one before it.
   */
  collect(keep: readonly StorePath[]): Promise<void>;
}

/** One run of a profile's `bin/activate`. */
export interface Activation {
  /** Names the run: `DEPLOYMENT-RUN`, e.g. `12-1`. The same again where an activation that may have begun goes on. */
  readonly id: string;
  /** The store path that the profile points at. */
  readonly storePath: StorePath;
  /** What was active before; null where there was nothing. At a restart, the same as `storePath`. */
  readonly previous: StorePath | null;
  /** Hydra's id of the build; null where hail did not deploy it. */
  readonly buildId: number | null;
  /** The process group of this activation, where hail has begun it in an earlier life, as a child of its own. */
  readonly leader: number | null;
  /** Called just before the program is begun; not where one that runs already is waited for. */
  readonly onBegin: () => void;
  /** Takes the process group of an activation that is a child of hail's, once it runs. */
  readonly onLeader: (pid: number) => void;
}

/** The two ways to be stopped. */
export interface Stop {
  /** Ends what can be ended without harm: requests and realisations. */
  readonly gently: AbortSignal;
  /** Ends a running activation as well. */
  readonly now: AbortSignal;
}

/** Runs the programs of one profile. */
export interface Activator {
  /** Whether an activation goes on when hail ends; then hail need not wait for it when it is told to stop. */
  readonly outlives: boolean;
  /**
   * Runs `PROFILE/bin/activate` without arguments, and waits for it. A run of this id that has begun already is waited
   * for instead, and what it came to is the result; where that cannot be known, it is run again.
   *
   * @returns Whether it ended with a status that stands for "switched, but some unit failed".
   * @throws {Failure} `activate-missing`, `activate-not-executable`, `activation-failed`, `activation-timeout`;
   * `activation-not-run` if it could not be begun for a reason that is not the build's; `activation-aborted` when
   * `stop.now` ended it.
   * @throws The reason of `stop.gently`, where the activation outlives hail: it goes on.
   */
  activate(activation: Activation, stop: Stop): Promise<{ readonly degraded: boolean }>;
  /**
   * Runs `PROFILE/bin/deactivate`, if there is one, in the same way. What went wrong is reported, and the profile is taken
   * away all the same.
   *
   * @throws {Failure} `activation-aborted` when `stop.now` ended it.
   * @throws The reason of `stop.gently`, where the program outlives hail.
   */
  deactivate(activation: Activation, stop: Stop): Promise<void>;
  /**
   * Removes what is kept of earlier runs so that their results can be looked up. To be called when the result of the last
   * one is on the disk. It never fails.
   *
   * @param keepId The run that is kept; null for none.
   */
  tidy(keepId: string | null): Promise<void>;
}

/** What is to be checked after an activation. */
export interface Verification {
  readonly storePath: StorePath;
  readonly previous: StorePath | null;
  readonly buildId: number | null;
  /** Whether Hydra must answer, too, if the operator asked for that. Not after a roll-back. */
  readonly confirm: boolean;
}

/** Finds out whether the service is well. */
export interface Verifier {
  /** How long it takes at the most, in milliseconds. */
  readonly limit: number;
  /**
   * Waits until all required checks pass and have held through the soak time.
   *
   * @param signal Gives up. Its reason is then thrown as it is.
   * @throws {Failure} `health-failed`; `confirmation-failed` if Hydra did not answer.
   */
  verify(verification: Verification, signal: AbortSignal): Promise<void>;
}

/**
 * Where hail remembers. Everything is synchronous: what is written is on the disk when the call returns. Nothing throws:
 * where the disk fails, that is reported, hail goes on with what it has in memory, and what was not written is written
 * as soon as it can be.
 */
export interface Journal {
  /** What is remembered now. */
  readonly record: ServiceRecord;
  /** Writes a transition down, with the record that it leads to and the deployments that it changes. */
  write(advance: Advance): void;
  /**
   * Remembers facts that are no transition. `lazily`: it is enough if they are written within a minute, or with the next
   * transition, so that a poll that finds nothing new costs no write.
   */
  note(facts: Partial<Omit<ServiceRecord, "state" | "since">>, lazily?: boolean): void;
}

/** Lets only so many at once do what is heavy for the host. */
export interface Turn {
  /** Whether whoever comes now has to wait. */
  readonly full: boolean;
  /**
   * Does something when it is its turn.
   *
   * @param signal Gives up the wait; its reason is then thrown as it is. It does not end the work.
   * @param first Whether it goes before those that wait already: the service is not well until it is done.
   */
  take<T>(signal: AbortSignal, work: () => Promise<T>, first?: boolean): Promise<T>;
}

/** The turns of the services that one hail keeps. */
export interface Turns {
  readonly realisation: Turn;
  readonly activation: Turn;
}

/** Says what is being done and how long it may take, for the watchdog and for `systemctl status`. */
export interface Stages {
  /**
   * @param stage What hail is doing now, in a few words.
   * @param limit By when it is over at the latest, in milliseconds from now.
   * @param finishes Whether it is finished even when hail is told to stop gently.
   */
  enter(stage: string, limit: number, finishes?: boolean): void;
}
