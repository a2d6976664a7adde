/**
 * How long it takes from starting hail to its first request.
 *
 * @module
 */

import type { Contenders } from "./contenders.ts";
import { IdleHost, JOB } from "./idle_host.ts";
import type { Findings } from "./report.ts";
import { type Series, series, showSeries } from "./series.ts";

/** How often each is started, in turns, so that what else the machine does hits all alike. */
const ROUNDS = 30;

/** What is aimed at, in milliseconds. */
const AIM = 60;

/** Measures it for hail, for the bare runtime, and for the shell loop. */
export async function measureStart(contenders: Contenders, folder: string): Promise<Findings> {
  await using host = await IdleHost.make(`${folder}/start`);
  const { hydra, jobUri } = host;
  const times = {
    hail: [] as number[],
    empty: [] as number[],
    request: [] as number[],
    shell: [] as number[],
  };
  for (let round = 0; round < ROUNDS; round++) {
    // A host that has nothing yet.
    const profile = `${folder}/start/profile-${round}`;
    times.empty.push(await untilEnd(contenders.empty, host));
    times.request.push(await untilRequest(contenders.oneRequest, [`${jobUri}/latest`], host));
    hydra.addJob(`${JOB}-of-which-nothing-was-built`);
    const nothingBuilt = hydra.jobUri(`${JOB}-of-which-nothing-was-built`);
    const args = ["--profile", profile, "--job-uri", nothingBuilt, "--oneshot", "--log-level", "error"];
    times.hail.push(await untilRequest(contenders.hail, args, host));
    times.shell.push(await untilRequest(contenders.shellLoop, [profile, nothingBuilt, "3600"], host));
  }
  const hail = series(times.hail);
  const show = (values: readonly number[]): string => showSeries(series(values), "ms", 0);
  return {
    rows: [
      {
        what: `Start to first request (${ROUNDS} starts)`,
        hail: showSeries(hail, "ms", 0),
        bare: show(times.request),
        shell: show(times.shell),
      },
      { what: "Start to end of an empty program", hail: "", bare: show(times.empty) },
    ],
    aims: [{
      what: "Start to first request",
      aim: `at most ${AIM} ms`,
      measured: `${describe(hail)}; the bare runtime with one request ${describe(series(times.request))}`,
      met: hail.median <= AIM,
    }],
  };
}

function describe({ median, min }: Series): string {
  return `${median.toFixed(0)} ms, at best ${min.toFixed(0)} ms`;
}

async function untilEnd(program: string, host: IdleHost): Promise<number> {
  const begun = performance.now();
  await spawn(program, [], host).status;
  return performance.now() - begun;
}

/** Until Hydra has read the first request; then the program is ended. */
async function untilRequest(program: string, args: readonly string[], host: IdleHost): Promise<number> {
  const request = host.nextRequest().then(() => performance.now());
  const begun = performance.now();
  const child = spawn(program, args, host);
  const ended = child.status.then(({ code }) => {
    throw new Error(`${program} ended with status ${code} before it had sent a request`);
  });
  ended.catch(() => {});
  const seen = await Promise.race([request, ended]);
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself in the meantime.
  }
  await child.status;
  return seen - begun;
}

function spawn(program: string, args: readonly string[], host: IdleHost): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: [...args],
    env: { ...host.env },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}
