/**
 * What a poll costs that finds nothing, and what it leaves behind in memory.
 *
 * @module
 */

import type { Contenders } from "./contenders.ts";
import { IdleHost } from "./idle_host.ts";
import { cpuTime, fineCpuTime, type Memory, memory } from "./process_meter.ts";
import type { Findings } from "./report.ts";
import { type Series, series, showSeries } from "./series.ts";

const BATCHES = 10;
const POLLS_PER_BATCH = 1_000;
const SHELL_BATCHES = 5;
const SHELL_POLLS_PER_BATCH = 50;
const SPACED_POLLS = 60;

/** So long after a poll hail has gone to sleep, in milliseconds; then the next one is asked for. */
const BETWEEN_POLLS = 1;
/** Time for a process to come to rest before its memory is looked at, in milliseconds. */
const REST = 3_000;

/** What is aimed at: milliseconds, requests, and kB. */
const AIM = { cpu: 1, requests: 1, growth: 0 };
/** Garbage comes and goes; what stays below this, in kB over 10,000 polls, is no growth. */
const GROWTH_NOISE = 2_048;

interface PollCost {
  /** Milliseconds of processor time a poll. */
  readonly cpu: Series;
  readonly requests: number;
  readonly connections: number;
  /** At rest: after the first poll, and after each batch. */
  readonly memory: readonly Memory[];
}

/** Measures it for hail, for a hail that polls once a second, and for the shell loop. */
export async function measurePollCost(contenders: Contenders, folder: string): Promise<Findings> {
  const rapid = await pollRapidly(contenders.hail, `${folder}/rapid`);
  const spaced = await pollEverySecond(contenders.hail, `${folder}/spaced`);
  const shell = await pollByShell(contenders.shellLoop, `${folder}/shell`);
  const first = rapid.memory[0];
  const settled = rapid.memory[1];
  const last = rapid.memory.at(-1);
  const loop = shell.memory.at(-1);
  if (first === undefined || settled === undefined || last === undefined || loop === undefined) {
    throw new Error("no memory was measured");
  }
  const polls = BATCHES * POLLS_PER_BATCH;
  const growth = last.private - settled.private;
  const megabytes = ({ resident, private: own }: Memory) =>
    `${(resident / 1024).toFixed(1)} MiB, ${(own / 1024).toFixed(1)} MiB private`;
  return {
    rows: [
      {
        what: `CPU time a poll, ${polls} in a row`,
        hail: showSeries(rapid.cpu, "ms", 2),
        shell: showSeries(shell.cpu, "ms", 1),
      },
      { what: `CPU time a poll, one a second, ${SPACED_POLLS} times`, hail: showSeries(spaced, "ms", 2) },
      {
        what: "Requests a poll, new connections a poll",
        hail: `${rapid.requests}, ${rapid.connections}`,
        shell: `${shell.requests}, ${shell.connections}`,
      },
      { what: "Memory after the first poll", hail: megabytes(first), shell: megabytes(loop) },
      ...[1, 5, 10].flatMap((batches) => {
        const then = rapid.memory[batches];
        return then === undefined
          ? []
          : [{ what: `Memory after ${batches * POLLS_PER_BATCH} polls`, hail: megabytes(then) }];
      }),
    ],
    aims: [
      {
        what: "CPU time a poll",
        aim: `at most ${AIM.cpu} ms, ${polls} in a row`,
        measured: `${rapid.cpu.median.toFixed(2)} ms`,
        met: rapid.cpu.median <= AIM.cpu,
      },
      {
        what: "CPU time a poll",
        aim: `at most ${AIM.cpu} ms, one a second`,
        measured: `${spaced.median.toFixed(2)} ms`,
        met: spaced.median <= AIM.cpu,
      },
      {
        what: "Requests a poll",
        aim: `${AIM.requests}`,
        measured: `${rapid.requests}`,
        met: rapid.requests <= AIM.requests,
      },
      {
        what: "Private memory",
        aim: `no growth over ${polls} polls`,
        measured: `${
          growth >= 0 ? "+" : ""
        }${growth} kB from the ${POLLS_PER_BATCH}th to the ${polls}th, garbage included`,
        met: growth <= AIM.growth + GROWTH_NOISE,
      },
    ],
  };
}

/** Rings hail with SIGHUP for each poll, since a period of less than a second is refused. */
async function pollRapidly(hail: string, folder: string): Promise<PollCost> {
  await using host = await IdleHost.make(folder);
  await using running = start(hail, ["--poll-period", "24h"], host);
  const { pid } = running;
  await settle(host);
  const { requests, connections } = host.hydra;
  const before = { requests: requests.length, connections };
  const atRest = [await memory(pid)];
  const cpu: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const begun = await cpuTime(pid);
    for (let poll = 0; poll < POLLS_PER_BATCH; poll++) {
      const seen = host.nextRequest();
      Deno.kill(pid, "SIGHUP");
      await seen;
      await pause(BETWEEN_POLLS);
    }
    cpu.push(((await cpuTime(pid)).own - begun.own) / POLLS_PER_BATCH);
    await pause(REST);
    atRest.push(await memory(pid));
  }
  const polls = BATCHES * POLLS_PER_BATCH;
  return {
    cpu: series(cpu),
    requests: (host.hydra.requests.length - before.requests) / polls,
    connections: (host.hydra.connections - before.connections) / polls,
    memory: atRest,
  };
}

/** As it is in earnest, only more often: from one poll to the next the process sleeps, and its caches get cold. */
async function pollEverySecond(hail: string, folder: string): Promise<Series> {
  await using host = await IdleHost.make(folder);
  await using running = start(hail, ["--poll-period", "1s"], host);
  await settle(host);
  await host.nextRequest();
  const cpu: number[] = [];
  let before = await fineCpuTime(running.pid);
  for (let poll = 0; poll < SPACED_POLLS; poll++) {
    await host.nextRequest();
    // What a poll costs after its request is counted with the next one.
    const now = await fineCpuTime(running.pid);
    cpu.push(now - before);
    before = now;
  }
  return series(cpu);
}

/** The loop with no pause; what it starts is counted as soon as it has ended. */
async function pollByShell(script: string, folder: string): Promise<PollCost> {
  await using host = await IdleHost.make(folder);
  await using running = spawn(script, [host.profile, host.jobUri, "0"], host);
  await settle(host);
  const { requests, connections } = host.hydra;
  const before = { requests: requests.length, connections };
  const cpu: number[] = [];
  for (let batch = 0; batch < SHELL_BATCHES; batch++) {
    const begun = await cpuTime(running.pid);
    const asked = host.hydra.requests.length;
    while (host.hydra.requests.length < asked + SHELL_POLLS_PER_BATCH) await host.nextRequest();
    const ended = await cpuTime(running.pid);
    cpu.push((ended.own + ended.children - begun.own - begun.children) / SHELL_POLLS_PER_BATCH);
  }
  const polls = host.hydra.requests.length - before.requests;
  return {
    cpu: series(cpu),
    requests: polls / polls,
    connections: (host.hydra.connections - before.connections) / polls,
    memory: [await memory(running.pid)],
  };
}

function start(hail: string, args: readonly string[], host: IdleHost): Running {
  const all = ["--profile", host.profile, "--job-uri", host.jobUri, "--log-level", "warning", ...args];
  return spawn(hail, all, host);
}

interface Running extends AsyncDisposable {
  readonly pid: number;
}

function spawn(program: string, args: readonly string[], host: IdleHost): Running {
  const child = new Deno.Command(program, {
    args: [...args],
    env: { ...host.env },
    stdin: "null",
    stdout: "null",
  }).spawn();
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** Waits until the first poll is over and the build is known. */
async function settle(host: IdleHost): Promise<void> {
  while (!host.hydra.requests.some(({ path }) => path.startsWith("/build/"))) await host.nextRequest();
  await pause(REST);
}

function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}
