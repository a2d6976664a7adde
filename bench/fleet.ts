/**
 * What a Hydra sees of a large fleet: hail's own loop for each of 50,000 hosts, in virtual time, through a start of all at
 * once, quiet hours, a long outage and a short one; once with hosts that are numbered, and once with hosts that are not.
 * Also how even the polls of hosts without numbers are by chance.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Bell } from "../lib/agent/bell.ts";
import { type AgentPorts, runLoop } from "../lib/agent/loop.ts";
import { phaseOf } from "../lib/agent/phase.ts";
import type { PassResult } from "../lib/deployment/deployer.ts";
import { Failure } from "../lib/failure/failure.ts";
import { parseStorePath } from "../lib/nix/store_path.ts";
import { VirtualClock } from "../lib/time/virtual_clock.ts";
import { chanceOfPeak, drawPeaks, quantile, random } from "./fleet_chance.ts";
import { renderPolling } from "./fleet_plot.ts";
import { END, HOSTS, HOUR, MEAN, OUTAGES, PERIOD, type Span } from "./fleet_scenario.ts";
import type { Findings, Row } from "./report.ts";

const PLOT = fileURLToPath(new URL("../docs/polling.svg", import.meta.url));

/** Within these spans of the simulation the peak is looked for. */
const SPANS: readonly (readonly [what: string, span: Span])[] = [
  // After the start of all hosts at once; each is at its own turn within one and a half periods.
  ["quiet hours", { from: 2 * PERIOD, to: HOUR }],
  ["in an outage of an hour", { from: HOUR, to: 2 * HOUR }],
  ["after it", { from: 2 * HOUR, to: 2.5 * HOUR }],
  ["in and after an outage of a minute", { from: 2.5 * HOUR, to: END }],
];

/** What is aimed at: the peak over the mean. */
const AIM = { quiet: 1.2, after: 2 };

/** How many fleets are drawn by chance. */
const FLEETS = 2_000;

/** How many fleets with a jitter, which takes far longer, and for how many periods each. */
const JITTERED = { fleets: 40, periods: 48 };

/** Simulates the fleet, draws its requests into docs/polling.svg, and sums up. */
export async function measureFleet(): Promise<Findings> {
  const unnumbered = await simulate(false);
  const numbered = await simulate(true);
  const peaksOf = (requests: Uint32Array) =>
    SPANS.map(([what, span]) => ({
      what,
      of1: peak(requests, span, 1),
      of10: peak(requests, span, 10),
    }));
  const peaks = { unnumbered: peaksOf(unnumbered), numbered: peaksOf(numbered) };
  const draw = (width: number) =>
    drawPeaks({ hosts: HOSTS, bins: PERIOD / width, fleets: FLEETS, random: random(1) });
  const [of1, of2, of10] = [draw(1), draw(2), draw(10)];
  const jittered = drawPeaks({
    hosts: HOSTS,
    bins: PERIOD,
    fleets: JITTERED.fleets,
    random: random(2),
    jitter: { periods: JITTERED.periods, width: 1 },
  });
  await Deno.writeTextFile(PLOT, renderPolling({ numbered, unnumbered, of1, of2, of10 }));
  const rows: Row[] = [
    ...(["numbered", "unnumbered"] as const).flatMap((kind) =>
      peaks[kind].map(({ what, of1, of10 }) => ({
        what: `${HOSTS} hosts, ${kind}, ${what}: peak over mean`,
        hail: `${of1.toFixed(2)} in 1 s, ${of10.toFixed(2)} in 10 s`,
      }))
    ),
    ...([[1, of1], [2, of2], [10, of10]] as const).map(([width, peaks]) => ({
      what: `${FLEETS} fleets by chance: peak over mean in ${width} s`,
      hail: showPeaks(peaks),
    })),
    {
      what: `The same in 1 s, with a jitter of up to 1 s at each poll, for ${JITTERED.periods} periods`,
      hail: showPeaks(jittered),
    },
    {
      what: `Chance of at most ${AIM.quiet} in 1 s, 2 s, 10 s, by theory`,
      hail: [1, 2, 10].map((width) =>
        `${(100 * chanceOfPeak({ hosts: HOSTS, bins: PERIOD / width, most: AIM.quiet })).toFixed(1)} %`
      ).join(", "),
    },
  ];
  return {
    rows,
    aims: (["numbered", "unnumbered"] as const).flatMap((kind) => {
      const [quiet, , after] = peaks[kind];
      return [
        aim(`${kind}, quiet hours, in 1 s`, AIM.quiet, quiet?.of1),
        aim(`${kind}, quiet hours, in 10 s`, AIM.quiet, quiet?.of10),
        aim(`${kind}, after an outage of an hour, in 1 s`, AIM.after, after?.of1),
      ];
    }),
  };
}

function aim(what: string, most: number, measured = NaN) {
  return {
    what: `${what}: peak over mean`,
    aim: `at most ${most}`,
    measured: measured.toFixed(2),
    met: measured <= most,
  };
}

function showPeaks(peaks: readonly number[]): string {
  const [low, middle, high] = [0.05, 0.5, 0.95].map((share) => quantile(peaks, share).toFixed(3));
  return `median ${middle}, 90 % of them ${low} to ${high}`;
}

/** The greatest number of requests within so many whole seconds, over what it would be if they were spread evenly. */
export function peak(requests: Uint32Array, { from, to }: Span, width: number): number {
  let most = 0;
  for (let second = from; second + width <= to; second += width) {
    most = Math.max(most, requests.subarray(second, second + width).reduce((sum, count) => sum + count, 0));
  }
  return most / (MEAN * width);
}

/** How many requests Hydra gets in each second: all hosts start in the first. */
async function simulate(numbered: boolean): Promise<Uint32Array> {
  const clock = new VirtualClock();
  const requests = new Uint32Array(END + 1);
  const isDown = () => OUTAGES.some(({ from, to }) => inSeconds(clock) >= from && inSeconds(clock) < to);
  const request = (): boolean => {
    const second = Math.floor(inSeconds(clock));
    requests[second] = (requests[second] ?? 0) + 1;
    return !isDown();
  };
  const ends: AbortController[] = [];
  const loops: Promise<unknown>[] = [];
  const random1 = random(3);
  for (let host = 0; host < HOSTS; host++) {
    const end = new AbortController();
    ends.push(end);
    const phase = await phaseOf(
      { machineId: host.toString(16).padStart(32, "0"), number: numbered ? host : null },
      "/nix/var/nix/profiles/web",
      PERIOD * 1000,
    );
    loops.push(
      runLoop(portsOf({ clock, random: random1, end: end.signal, request }), {
        period: PERIOD * 1000,
        phase,
      }),
    );
  }
  await clock.advance(END * 1000);
  for (const end of ends) end.abort();
  await Promise.all(loops);
  return requests;
}

function inSeconds(clock: VirtualClock): number {
  return clock.monotonic() / 1000;
}

interface Host {
  readonly clock: VirtualClock;
  readonly random: () => number;
  readonly end: AbortSignal;
  /** Sends a request to Hydra; tells whether it was answered. */
  readonly request: () => boolean;
}

const DOWN = new Failure("hydra-unreachable", { what: "Hydra", why: "it is down", next: "Wait." });

/** What the loop of a host works with: nothing is new, and one request says so. */
function portsOf({ clock, random, end, request }: Host): AgentPorts {
  let failures = 0;
  return {
    clock,
    random,
    deployer: {
      get failures() {
        return failures;
      },
      planned: () => {},
      pass() {
        const answered = request();
        failures = answered ? 0 : failures + 1;
        return answered ? Promise.resolve(NOTHING_NEW) : Promise.reject(DOWN);
      },
    },
    stages: { enter: () => {} },
    report: () => {},
    stop: { gently: end, now: end },
    bell: new Bell(),
  };
}

const NOTHING_NEW: PassResult = {
  build: { id: 1, name: "web", outPath: pathOfBuild(), finishedAt: null },
  deployed: false,
  refusal: null,
};

function pathOfBuild() {
  const path = parseStorePath(`/nix/store/${"0".repeat(32)}-web`);
  if (path === null) throw new Error("it is a store path");
  return path;
}
