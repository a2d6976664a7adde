/**
 * What an agent of many services costs: memory, processor time, how soon all have polled, and how soon one is woken.
 *
 * @module
 */

import { AgentHost, type AgentSite } from "./agent_site.ts";
import type { Contenders } from "./contenders.ts";
import { fineCpuTime, type Memory, memory } from "./process_meter.ts";
import type { Findings, Row } from "./report.ts";
import { series, showSeries } from "./series.ts";

/** How many services an agent has. */
const SIZES = [1, 10, 100, 1_000];

/** For how long the polls of an agent are watched, in milliseconds: few services poll seldom, once a minute each. */
const WATCHED: Readonly<Record<number, number>> = { 1: 300_000, 10: 180_000, 100: 120_000, 1_000: 180_000 };

/** Time for a process to come to rest before it is looked at, in milliseconds. */
const REST = 5_000;

/** How many services are woken, and how many of those have something to deploy. */
const WAKES = { polls: 100, deployments: 12 };

/** How many lines a second are written by an activation that keeps an agent busy. */
const LINES = 10_000;

/** Between two wake-ups, in milliseconds. */
const BETWEEN_WAKES = 100;
/** Between two deployments: over HTTP a service is woken once a second, if that goes on for long. */
const BETWEEN_DEPLOYMENTS = 1_200;

/** How many of the first services are busy where there are more. */
const BUSY = 3;

/** What is aimed at with 1,000 services: kB, shares of a core, and milliseconds. */
const AIM = { resident: 120 * 1024, core: 0.02, slope: 50, wake: 100, activation: 1_000 };

interface Measured {
  readonly services: number;
  /** From the start of the process until each service has polled, in milliseconds. */
  readonly allPolled: number;
  /** After all have polled, and after the time in which they were watched. */
  readonly started: Memory;
  readonly settled: Memory;
  readonly polls: number;
  /** Processor time of all these polls, and of the time between them, in milliseconds. */
  readonly cpu: number;
  /** That share of one core. */
  readonly core: number;
  /** From the asking over the socket to the request at Hydra, in milliseconds. */
  readonly wakes: readonly number[];
  /** The same, while one activation hangs and another one writes many lines; none where there are too few services. */
  readonly busyWakes: readonly number[];
  /** From the asking over the socket to the start of the activation, in milliseconds. */
  readonly deployments: readonly number[];
  /** From when Hydra runs its program to the start of the activation, in milliseconds. */
  readonly words: readonly number[];
}

/** Measures agents of one service to 1,000. */
export async function measureAgent(contenders: Contenders): Promise<Findings> {
  await using host = await AgentHost.make();
  const all: Measured[] = [];
  for (const size of SIZES) all.push(await measure(await host.site(size), contenders.hail));
  const rows: Row[] = all.flatMap((measured) => {
    const { services, started, settled, allPolled, wakes, busyWakes, deployments, words, polls, cpu, core } =
      measured;
    const what = services === 1 ? "1 service" : `${services} services`;
    return [
      { what: `${what}: memory once all have polled, and later`, hail: `${show(started)}; ${show(settled)}` },
      { what: `${what}: start to the first poll of all`, hail: `${(allPolled / 1000).toFixed(2)} s` },
      {
        what: `${what}: CPU time a poll, once a minute`,
        hail: `${(cpu / polls).toFixed(2)} ms (${polls} polls), ${(100 * core).toFixed(2)} % of a core`,
      },
      {
        what: `${what}: wake-up to request`,
        hail: `${showSeries(series(wakes), "ms", 1)}, 99 %: ${p99(wakes)}`,
      },
      ...busyWakes.length === 0 ? [] : [{
        what: `${what}: the same, while one activation hangs and one writes ${LINES} lines a second`,
        hail: `${showSeries(series(busyWakes), "ms", 1)}, 99 %: ${p99(busyWakes)}`,
      }],
      { what: `${what}: wake-up to activation`, hail: showSeries(series(deployments), "ms", 0) },
      { what: `${what}: Hydra's program to activation`, hail: showSeries(series(words), "ms", 0) },
    ];
  });
  const slopes = (["resident", "private"] as const).map((kind) =>
    slope(all.map(({ services, settled }) => [services, settled[kind]]))
  );
  const [resident = NaN, own = NaN] = slopes;
  rows.push({ what: "Memory a service", hail: `${resident.toFixed(1)} kB, ${own.toFixed(1)} kB private` });
  for (const [index, { services, settled }] of all.entries()) {
    const before = all[index - 1];
    if (before === undefined) continue;
    const more = (kind: "resident" | "private") =>
      ((settled[kind] - before.settled[kind]) / (services - before.services)).toFixed(1);
    rows.push({
      what: `Memory a service, from ${before.services} to ${services}`,
      hail: `${more("resident")} kB, ${more("private")} kB private`,
    });
  }
  const largest = all.at(-1);
  if (largest === undefined) throw new Error("nothing was measured");
  const { services, settled, core, busyWakes, words } = largest;
  const wake = quantile(busyWakes, 0.99);
  const word = series(words).median;
  return {
    rows,
    aims: [
      {
        what: `Resident memory of ${services} services`,
        aim: `at most ${AIM.resident / 1024} MiB`,
        measured: show(settled),
        met: settled.resident <= AIM.resident,
      },
      {
        what: "Memory a service",
        aim: `at most ${AIM.slope} kB`,
        measured: `${resident.toFixed(1)} kB`,
        met: resident <= AIM.slope,
      },
      {
        what: `CPU of ${services} services that poll once a minute`,
        aim: `at most ${100 * AIM.core} % of a core`,
        measured: `${(100 * core).toFixed(2)} %`,
        met: core <= AIM.core,
      },
      {
        what: `Wake-up to request at ${services} services, while others are busy`,
        aim: `99 % within ${AIM.wake} ms`,
        measured: p99(busyWakes),
        met: wake <= AIM.wake,
      },
      {
        what: `Hydra's program to the start of the activation at ${services} services`,
        aim: `at most ${AIM.activation} ms`,
        measured: `${word.toFixed(0)} ms`,
        met: word <= AIM.activation,
      },
    ],
  };
}

async function measure(site: AgentSite, hail: string): Promise<Measured> {
  const { services } = site;
  const missing = new Set(Array.from({ length: services }, (_, number) => number));
  const all = site.polled((service) => missing.delete(service) && missing.size === 0);
  const begun = performance.now();
  await using agent = site.start(hail);
  const allPolled = await all - begun;
  await pause(REST);
  const started = await memory(agent.pid);
  const duration = WATCHED[services] ?? 60_000;
  const before = { cpu: await fineCpuTime(agent.pid), requests: site.host.hydra.requests.length };
  await pause(duration);
  const cpu = await fineCpuTime(agent.pid) - before.cpu;
  const polls = site.host.hydra.requests.length - before.requests;
  const settled = await memory(agent.pid);
  const wakes = await wakeSome(site);
  const deployments = await deploySome(site, () => site.poll(0));
  const words = await deploySome(site, () => site.tellOfBuild());
  let busyWakes: readonly number[] = [];
  if (services > BUSY) {
    const end = await site.keepBusy(LINES);
    busyWakes = await wakeSome(site);
    await end();
  }
  const core = cpu / duration;
  return { services, allPolled, started, settled, polls, cpu, core, wakes, busyWakes, deployments, words };
}

/** Wakes services that have nothing to deploy, one after the other. */
async function wakeSome(site: AgentSite): Promise<readonly number[]> {
  const wakes: number[] = [];
  for (let wake = 0; wake < WAKES.polls; wake++) {
    // The first ones have something else to do.
    const woken = site.services > BUSY ? BUSY + (wake * 7) % (site.services - BUSY) : 0;
    const polled = site.polled((service) => service === woken);
    const asked = performance.now();
    await site.poll(woken);
    wakes.push(await polled - asked);
    await pause(BETWEEN_WAKES);
  }
  return wakes;
}

/** Deploys new builds of the first service, one after the other. */
async function deploySome(site: AgentSite, wake: () => Promise<void>): Promise<readonly number[]> {
  const deployments: number[] = [];
  for (let count = 0; count < WAKES.deployments; count++) {
    const { activated } = await site.release(0);
    const asked = performance.now();
    await wake();
    deployments.push(await activated - asked);
    await pause(BETWEEN_DEPLOYMENTS);
  }
  return deployments;
}

/** The slope of the straight line that is nearest to the points (least squares). */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  return points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) /
    points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
}

function p99(values: readonly number[]): string {
  return `${quantile(values, 0.99).toFixed(1)} ms`;
}

function show({ resident, private: own }: Memory): string {
  return `${(resident / 1024).toFixed(1)} MiB, ${(own / 1024).toFixed(1)} MiB private`;
}

function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}
