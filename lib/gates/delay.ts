/** Gates that hold a build back until it has reached an age. */
import { readDuration } from "../text/duration.ts";
import { Mistake } from "../text/mistake.ts";
import { formatDuration } from "../time/period.ts";
import type { Kind } from "./gate.ts";

/** What a gate of the kind `delay` has. Times are in milliseconds. */
export interface DelayTarget {
  /** The age that a build must have on every host. */
  readonly age: number;
  /** The time over which the hosts come, one after the other, from then on. */
  readonly rollout: number;
  /** The share of that time at which this host comes, from 0 to 1; null for one that is made of the machine id. */
  readonly wariness: number | null;
}

/** Parts the hashed fields, and keeps this hash apart from any other use of a machine id. */
const PURPOSE = "hail: wariness of the host";

const LONGEST = 30 * 86_400_000;

/** `delay AGE`: open for builds that are old enough. A profile that is deployed for the first time may pass at once. */
export const delay: Kind<DelayTarget> = {
  synopsis: "delay AGE [rollout=TIME] [wariness=SHARE]",
  about: "open for builds that have an age, which may differ from host to host",
  keys: ["rollout", "wariness"],
  read(text, { rollout, wariness }) {
    if (wariness !== undefined && rollout === undefined) {
      throw new Mistake("wariness= is a share of rollout=, which is not given", "Give rollout=, too.");
    }
    return {
      age: readDuration(null, text, { least: 0, most: LONGEST }),
      rollout: rollout === undefined ? 0 : readDuration("rollout", rollout, { most: LONGEST }),
      wariness: wariness === undefined ? null : readShare(wariness),
    };
  },
  open({ age, rollout, wariness }, { machineId }) {
    /** The build that was asked about last, and when that began. */
    let asked: { readonly id: number; readonly since: number } | null = null;
    let share: number | null = wariness;
    return {
      limit: 10_000,
      async ask({ build, knownSince, first }, now) {
        if (first) return null;
        if (asked?.id !== build.id || asked.since > now) asked = { id: build.id, since: now };
        const finished = build.finishedAt === null ? Infinity : build.finishedAt * 1_000;
        // Nothing is from the future: that is a clock that was wrong, and is not waited for. Nor was a build seen before it was
        // finished: then the clock of this host was behind, as it is at some boots.
        const since = finished <= now
          ? finished
          : Math.min(...[knownSince, asked.since].filter((time) => time <= now));
        if (rollout > 0) share ??= await warinessOf(await machineId());
        const comesAt = Math.round(age + rollout * (share ?? 0));
        if (now - since >= comesAt) return null;
        const old = `it is ${coarsely(now - since)} old`;
        return {
          why: rollout === 0
            ? `${old}, and must be ${formatDuration(comesAt)} old`
            : `${old}, and this host comes at ${coarsely(comesAt)} (wariness ${(share ?? 0).toFixed(2)})`,
          askAgainAt: since + comesAt,
        };
      },
    };
  },
};

/**
 * The share of a rollout at which a host comes: in [0, 1), evenly spread over hosts, and the same for all that one host
 * deploys, so that the hosts that come first are always the same. It is taken from SHA-256, as the phase of the polls is:
 * the id itself cannot be told from it.
 */
export async function warinessOf(machineId: string): Promise<number> {
  const text = new TextEncoder().encode([PURPOSE, machineId].join("\0"));
  const hash = new DataView(await crypto.subtle.digest("SHA-256", text));
  return hash.getUint32(0) / 2 ** 32;
}

function readShare(text: string): number {
  const share = /^[01]?(\.[0-9]{1,9})?$/.test(text) ? Number(text) : NaN;
  if (share >= 0 && share <= 1) return share;
  throw new Mistake("wariness= is no share", "Give a number from 0 to 1, such as 0.25.");
}

/** A duration without the seconds, where it has minutes. */
function coarsely(duration: number): string {
  const unit = duration < 60_000 ? 1_000 : 60_000;
  return formatDuration(Math.floor(duration / unit) * unit);
}
