/** What happens in a random test: decided beforehand, by the seed alone. */
import type { Keeping } from "./keeper.ts";
import { Numbers } from "./numbers.ts";

/** How a build behaves, and how often one does. */
const BUILDS = {
  /** All is well. */
  "sound": 45,
  /** All is well, and it says so itself, with bin/health-check. */
  "checked": 20,
  /** Its activation fails before it has done anything. */
  "fails-early": 8,
  /** Its activation fails when it has replaced the running version. */
  "fails-late": 8,
  /** Its activation takes the running version down and hangs. */
  "hangs": 5,
  /** Its activation succeeds, and bin/health-check says that it is not well. */
  "unhealthy": 8,
} as const;

/** The behaviour of a build. */
export type Kind = keyof typeof BUILDS;

/** Whether a build of this kind is to become the active one. */
export function isSound(kind: Kind): boolean {
  return kind === "sound" || kind === "checked";
}

/** What somebody or something does to the host while a build is deployed, and how often. */
const ACTS = {
  /** SIGKILL of hail. */
  "kill": 28,
  /** `systemctl restart` of hail. */
  "restart": 8,
  /** Everything on the host ends at once, and it boots anew. */
  "power-cut": 3,
  "reboot": 2,
  /** `hail pause`, and after a while `hail resume`. */
  "pause": 10,
  /** `hail rollback`. */
  "rollback": 10,
  /** `hail rollback --to`, an earlier generation. */
  "rollback-to": 5,
  "retry": 10,
  /** `nix-env --rollback` or `--switch-generation`, behind hail's back. */
  "by-hand": 8,
  /** `nix-store --gc`. */
  "collect-garbage": 6,
  /** Hydra does not answer for a while. */
  "hydra-down": 5,
} as const;

/**
 * Where one agent keeps all services: what is done to hail is done to all of them, and after each start of hail each is
 * activated.
 */
const AGENT_ACTS = {
  ...ACTS,
  "kill": 10,
  "restart": 2,
  "power-cut": 2,
  "reboot": 1,
  /** Other settings that make no difference, and `systemctl reload`. */
  "reload": 10,
  /** A configuration that must be refused, and after a while a good one. */
  "reload-bad": 6,
  /** The service is taken out of the configuration, with `on-removal` keep, and put back after a while. */
  "take-out": 12,
  /** `hail status`, of all services. */
  "look": 6,
} as const;

/** The name of something that is done. */
export type ActName = keyof typeof AGENT_ACTS;

/** Something that is done at a certain time. */
export interface Act {
  readonly name: ActName;
  /** How long after Hydra has named the build, or after the act before has ended, in milliseconds. */
  readonly after: number;
  /** For acts with a beginning and an end, in milliseconds. */
  readonly lasts: number;
}

/** One round: a build that Hydra names, and what else happens meanwhile. */
export interface Round {
  readonly kind: Kind;
  /** When the build comes into the cache, in milliseconds after Hydra has named it; null where it was there before. */
  readonly cachedAfter: number | null;
  /** Hydra names the build of so many rounds ago instead of a new one; null for a new one. */
  readonly backwards: number | null;
  readonly acts: readonly Act[];
}

// A deployment takes about a second, and a failed one two or three more.
const LONGEST_WAIT = 2_000;
const LONGEST_ACT = 1_200;

/** How many acts there are in a round: each number as often as it stands here. */
const COUNTS = [0, 0, 0, 1, 1, 1, 1, 2, 2, 3];

/**
 * Decides what happens.
 *
 * @param lanes How many services are deployed side by side, on one host.
 * @param rounds How many rounds there are in all.
 * @param keeping How the services are kept.
 * @returns The rounds of each service.
 */
export function planOf(seed: number, lanes: number, rounds: number, keeping: Keeping = "units"): Round[][] {
  const numbers = new Numbers(seed);
  return Array.from({ length: lanes }, (_, lane) => {
    const own = numbers.fork();
    const count = Math.floor(rounds / lanes) + (lane < rounds % lanes ? 1 : 0);
    return Array.from({ length: count }, (_, round) => roundOf(own.fork(), round, keeping));
  });
}

function roundOf(numbers: Numbers, round: number, keeping: Keeping): Round {
  return {
    kind: numbers.pick(BUILDS),
    cachedAfter: numbers.chance(0.12) ? numbers.below(LONGEST_WAIT) : null,
    backwards: round > 0 && numbers.chance(0.08) ? 1 + numbers.below(Math.min(round, 5)) : null,
    acts: Array.from({ length: COUNTS[numbers.below(COUNTS.length)] ?? 0 }, () => ({
      name: keeping === "agent" ? numbers.pick(AGENT_ACTS) : numbers.pick(ACTS),
      after: numbers.below(LONGEST_WAIT),
      lasts: numbers.below(LONGEST_ACT),
    })),
  };
}

/** A round in one line, for people. */
export function describeRound({ kind, cachedAfter, backwards, acts }: Round): string {
  return [
    backwards === null ? kind : `back by ${backwards}`,
    ...(cachedAfter === null ? [] : [`in the cache after ${cachedAfter} ms`]),
    ...acts.map(({ name, after, lasts }) => `${name} after ${after} ms (${lasts} ms)`),
  ].join("; ");
}
