/**
 * Shows hail at work: `deno task demo`. It takes less than a minute, uses loopback only, needs no root where Nix is
 * installed, and leaves nothing behind. The exit status is 0 if hail did all that it promises, otherwise 1; after an
 * interruption it is 128 plus the number of the signal.
 *
 * @module
 */

import { HailProcess } from "./demo/hail_process.ts";
import { Interruption, listenForInterruption } from "./demo/interruption.ts";
import { endProcesses, exists, processesOf } from "./demo/leftovers.ts";
import { Narrator } from "./demo/narrator.ts";
import { ensureNix, JOB, Stage } from "./demo/stage.ts";

/** Short, so that nobody has to wait; five minutes are usual. */
const PERIOD = "1s";

const PROFILE = "demo/web";

/** The lines of hail's log that the story waits for. */
const SAYS = {
  activated: / activated \S+ in \d+ ms$/,
  nothingNew: / nothing new at build /,
  idle: / (?:nothing new at|not deployed:) build /,
  rolledBack: / rolled back to \S+ from build 3$/,
  notDeployed: / build 3 .* is not deployed: /,
};

/** How long a version has to keep well. Short, like the period. */
const SOAK = "1s";

/** What was promised and kept, one sentence each. */
type Facts = string[];

/** Tells the story, from an empty host to a stopped hail. */
async function tell(stage: Stage, narrator: Narrator, signal: AbortSignal): Promise<Facts> {
  const { hydra, nix } = stage;
  const facts: Facts = [];
  const begin = (title: string) => {
    signal.throwIfAborted();
    narrator.step(title);
  };

  begin("A sample service is built, signed, and offered by a Hydra");
  narrator.say(
    "Its profile is one folder with bin/activate and what that starts; see scripts/demo/service.",
    "Nix builds it and signs it into a binary cache. Then it is deleted from this store: hail has to fetch it.",
  );
  narrator.command(
    "nix-build --no-out-link web.nix",
    `nix copy --to 'file://CACHE?secret-key=demo-1.secret' STORE-PATH`,
  );
  const first = await stage.release("1");
  signal.throwIfAborted();
  hydra.setLatest(JOB, { id: 1, path: first.storePath });
  narrator.say(
    `Build 1 is ${first.storePath}.`,
    `Binary cache: ${stage.cache.uri}. Hydra look-alike: ${hydra.origin}, job ${JOB}.`,
  );

  begin("hail starts on a host that has nothing yet");
  narrator.command(
    `hail --profile ${PROFILE} --job-uri ${hydra.jobUri(JOB)} \\`,
    `     --poll-period ${PERIOD} --log-level debug \\`,
    `     --health-check 'http ${stage.serviceUri} text=Hello' --soak-time ${SOAK}`,
  );
  const started = performance.now();
  const hail = new HailProcess({
    program: stage.hail.program,
    args: [
      ...stage.hail.args,
      ...["--profile", PROFILE, "--job-uri", hydra.jobUri(JOB)],
      ...["--poll-period", PERIOD, "--log-level", "debug"],
      ...["--health-check", `http ${stage.serviceUri} text=Hello interval=1s`],
      ...["--soak-time", SOAK, "--health-timeout", "2s"],
    ],
    env: stage.env,
    onLine: (line) => narrator.quote(line),
    signal,
  });
  try {
    let read = await hail.untilSays(SAYS.activated);
    const deployed = performance.now();
    read = await hail.untilSays(SAYS.nothingNew, read);
    await expectAnswer(stage, narrator, "Hello from version 1.");
    facts.push(
      `first deployment: ${seconds(deployed - started)} from the start of hail to a running service`,
    );

    begin("A new version is released, and nobody touches the host");
    const second = await stage.release("2");
    signal.throwIfAborted();
    narrator.say(`Hydra now says that the latest build is 2, ${second.storePath}.`);
    const named = performance.now();
    hydra.setLatest(JOB, { id: 2, path: second.storePath });
    read = await hail.untilSays(SAYS.activated, read);
    const updated = performance.now();
    await expectAnswer(stage, narrator, "Hello from version 2.");
    facts.push(
      `update: ${
        seconds(updated - named)
      } from Hydra's word to a running service, with a period of ${PERIOD}`,
    );

    begin("A poll that finds nothing costs one request and touches nothing");
    const fetched = stage.cache.requests.length;
    const before = await stage.servicePid();
    // The first of them belongs to the deployment, which is followed by a poll at once.
    read = await hail.untilSays(SAYS.nothingNew, read);
    narrator.say("Nobody has to wait for the period, either:");
    narrator.command("systemctl reload hail     # here: kill -HUP PID");
    hail.signal("SIGHUP");
    read = await hail.untilSays(/ SIGHUP: polling now$/, read);
    read = await hail.untilSays(SAYS.nothingNew, read);
    expect(stage.cache.requests.length === fetched, "a poll that finds nothing asked the binary cache");
    expect(await stage.servicePid() === before, "a poll that finds nothing restarted the service");

    begin("A broken version is released, and hail takes it back");
    const third = await stage.release("3", true);
    signal.throwIfAborted();
    narrator.say(
      `Hydra now says that the latest build is 3, ${third.storePath}.`,
      "It starts, and then answers every request with an error.",
    );
    const spoilt = performance.now();
    hydra.setLatest(JOB, { id: 3, path: third.storePath });
    read = await hail.untilSays(SAYS.rolledBack, read);
    const mended = performance.now();
    await hail.untilSays(SAYS.notDeployed, read);
    await expectAnswer(stage, narrator, "Hello from version 2.");
    facts.push(`broken build: gone ${seconds(mended - spoilt)} after Hydra's word, and never tried again`);
    narrator.command("hail status");
    for (const line of await stage.status()) narrator.quote(line);

    begin("hail is stopped; the service stays");
    narrator.command("systemctl stop hail       # here: kill -TERM PID");
    const told = performance.now();
    const status = await hail.stop();
    const ended = performance.now() - told;
    expect(status === 0, `hail ended with status ${status}`);
    await expectAnswer(stage, narrator, "Hello from version 2.");
    const generations = await nix.run([
      "nix-env",
      "--profile",
      `${stage.profiles}/${PROFILE}`,
      "--list-generations",
    ]);
    narrator.command(`nix-env --profile ${stage.profiles}/${PROFILE} --list-generations`);
    for (const line of generations.stdout.trimEnd().split("\n")) narrator.quote(line);
    facts.push(...countRequests(stage, hail.lines), `stopped ${seconds(ended)} after it was told to`);
    return facts;
  } finally {
    await hail.stop();
  }
}

/** Compares what Hydra was asked with what hail says that it did. */
function countRequests({ hydra }: Stage, lines: readonly string[]): Facts {
  const idle = lines.filter((line) => SAYS.idle.test(line)).length;
  const deployments = lines.filter((line) => SAYS.activated.test(line)).length;
  const polls = hydra.requests.filter(({ method }) => method === "HEAD").length;
  const others = hydra.requests.length - polls;
  // Three builds, and the second once more.
  expect(deployments === 4, `hail activated ${deployments} times, not four times`);
  // TERM may come while one more poll is under way, of which the log then says nothing.
  const unsaid = polls - idle - 3;
  expect(unsaid === 0 || unsaid === 1, `${idle + 3} polls made ${polls} HEAD requests`);
  expect(others === 3, `three builds were asked for with ${others} requests`);
  expect(hydra.connections === 1, `hail opened ${hydra.connections} connections to Hydra`);
  return [`${polls} polls: 1 request each, and 1 more for each of 3 builds, all over 1 connection`];
}

async function expectAnswer(stage: Stage, narrator: Narrator, text: string): Promise<void> {
  const answer = await stage.visit();
  narrator.command(`curl ${stage.serviceUri}`);
  narrator.quote(answer);
  expect(answer === text, `the service says '${answer}' and not '${text}'`);
}

function expect(kept: boolean, otherwise: string): void {
  if (!kept) throw new Error(otherwise);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 100 ? 3 : 1)} s`;
}

/** Ends what still runs, deletes what was written, and looks whether that is true. */
async function cleanUp(stage: Stage): Promise<void> {
  const { folder } = stage;
  await endProcesses(folder);
  // An impatient Ctrl-C also reaches the programs that clean up.
  for (let attempt = 1; await exists(folder); attempt++) {
    try {
      await stage[Symbol.asyncDispose]();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
  const left = await processesOf(folder);
  expect(left.length === 0, `the processes ${left.join(", ")} are left behind`);
  expect(!(await exists(folder)), `${folder} is left behind`);
}

async function main(): Promise<number> {
  const begun = performance.now();
  const signal = listenForInterruption();
  const narrator = new Narrator();
  // What a user's proxy is good for, it is not for loopback.
  for (const name of ["NO_PROXY", "no_proxy"]) {
    Deno.env.set(name, [Deno.env.get(name), "127.0.0.1"].filter(Boolean).join(","));
  }
  let stage: Stage | null = null;
  let facts: Facts | null = null;
  let problem: unknown = null;
  try {
    narrator.plain(
      "hail keeps a host at the latest build of a Hydra job. Here are a deployment, an update and a roll-back.",
    );
    narrator.step("A Nix and a host of its own");
    await ensureNix();
    signal.throwIfAborted();
    stage = await Stage.build();
    const version = (await stage.nix.run(["nix-store", "--version"])).stdout.trim();
    narrator.say(
      `${version}, with a store of its own in ${stage.folder}:`,
      "the store of this machine and its profiles are left alone.",
    );
    facts = await tell(stage, narrator, signal);
  } catch (error) {
    // What a signal has ended on the way fails in its own words, which say less.
    problem = signal.aborted ? signal.reason : error;
  }
  if (stage !== null) {
    narrator.step("Everything is cleaned up");
    try {
      await cleanUp(stage);
      narrator.say(
        "The service is stopped and the folder deleted: no process, no profile and no file is left.",
      );
    } catch (error) {
      problem ??= error;
      narrator.say(`Not everything could be cleaned up: ${messageOf(error)}.`);
    }
  }
  if (problem instanceof Interruption) {
    narrator.plain(`\nThe demo was ${problem.message}.`);
    return problem.exitStatus;
  }
  if (problem !== null || facts === null) {
    narrator.plain(`\nThe demo FAILED: ${messageOf(problem)}`);
    return 1;
  }
  narrator.plain("\nhail kept its word:");
  for (const fact of facts) narrator.plain(`  - ${fact}`);
  narrator.plain(`  - the whole demo took ${seconds(performance.now() - begun)}`);
  return 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

if (import.meta.main) Deno.exit(await main());
