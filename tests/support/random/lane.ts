import { pauseInForce } from "../../../lib/deployment/decision.ts";
import type { ServiceRecord } from "../../../lib/deployment/record.ts";
import { kindOf } from "./builds.ts";
import { type Found, type Generation, pause, type RandomHost } from "./host.ts";
import { Watcher } from "./invariants.ts";
import { type Act, describeRound, isSound, type Round } from "./plan.ts";
import type { Remembered } from "./remembered.ts";

/** How long a service may take to come to rest, in milliseconds. */
const REST_LIMIT = 120_000;

/** How often is looked whether it has, in milliseconds. */
const LOOK = 150;

/** How long an operator waits until hail has noticed what he did, in milliseconds. */
const BY_HAND = 2_000;

/** One service and its hail, through all of its rounds. */
export class Lane {
  readonly #watcher = new Watcher(kindOf);
  readonly #path: string[] = [];
  #logged = 0;
  #seq = 0;
  #id = 0;
  /** How often something was done or came of it. */
  readonly tally = new Map<string, number>();

  constructor(
    private readonly host: RandomHost,
    private readonly service: string,
    private readonly rounds: readonly Round[],
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Goes through all rounds.
   *
   * @throws {Error} Something that must hold does not.
   */
  async run(): Promise<void> {
    for (const [number, round] of this.rounds.entries()) {
      if (this.signal.aborted) return;
      try {
        await this.#round(number, round);
      } catch (error) {
        if (this.signal.aborted) return;
        throw await this.#told(number, round, error);
      }
    }
  }

  /** The last deployment that hail has counted. */
  get deployments(): number {
    return this.host.remembered(this.service)?.record.deployments ?? 0;
  }

  async #round(number: number, round: Round): Promise<void> {
    const { host, service } = this;
    const path = round.backwards === null
      ? host.pathOf(service, round.kind, number)
      : this.#path[number - round.backwards] ?? host.pathOf(service, round.kind, number);
    this.#path.push(path);
    const { cachedAfter } = round;
    if (cachedAfter !== null) await host.setCached(path, false);
    const cached = cachedAfter === null ? null : pause(cachedAfter).then(() => host.setCached(path, true));
    this.#id = host.announce(service, path);
    for (const act of round.acts) {
      if (this.signal.aborted) break;
      await pause(act.after);
      this.#count(act.name);
      await this.#act(act, path);
    }
    await cached;
    if (this.signal.aborted) return;
    const { record, found } = await this.#rest(path);
    const log = await host.log(service);
    const violations = this.#watcher.violations({ ...record, ...found, log: log.slice(this.#logged) });
    this.#count("activations", log.slice(this.#logged).filter(({ what }) => what === "begin").length);
    this.#logged = log.length;
    for (const { seq, event } of record.transitions) if (seq > this.#seq) this.#count(`event ${event}`);
    this.#seq = record.transitions.at(-1)?.seq ?? 0;
    if (violations.length > 0) throw new Error(violations.join("\n"));
    this.#count(`at rest: ${record.record.state}`);
    this.#count(record.record.active?.path === path ? "deployed" : "not deployed");
  }

  async #act({ name, lasts }: Act, path: string): Promise<void> {
    const { host, service } = this;
    switch (name) {
      case "kill":
        await host.signal(service, "SIGKILL");
        break;
      case "restart":
        await host.restart(service);
        break;
      case "power-cut":
        await host.powerCut();
        break;
      case "reboot":
        await host.reboot();
        break;
      case "pause":
        await this.#hail("pause", "--reason", "a random test");
        await pause(lasts);
        while (!await this.#hail("resume") && !this.signal.aborted) await pause(LOOK);
        break;
      case "rollback":
        await this.#hail("rollback");
        break;
      case "rollback-to": {
        const generation = soundOne(await host.generations(service), lasts);
        if (generation !== undefined) await this.#hail("rollback", "--to", String(generation.number));
        break;
      }
      case "retry":
        // It is about the build that Hydra has named last, as far as hail knows.
        await this.#hail("retry");
        for (const retried of [path, this.#path.at(-2)]) {
          if (retried !== undefined) this.#watcher.retried(retried, Date.now());
        }
        break;
      case "by-hand": {
        const all = await host.generations(service);
        const before = all[all.findIndex(({ current }) => current) - 1];
        if (before !== undefined && isSound(kindOf(before.path))) {
          await host.byHand(service, "--rollback");
          break;
        }
        const generation = soundOne(all, lasts);
        if (generation === undefined) break;
        await host.byHand(service, "--switch-generation", String(generation.number));
        break;
      }
      case "collect-garbage":
        await host.exec(["nix-store", "--gc", "--quiet"]);
        break;
      case "hydra-down":
        await host.hydraDown(lasts);
        break;
      case "reload":
        await host.configure((config) => {
          for (const [index, one] of host.services.entries()) {
            if ((index + lasts) % 3 === 0) config.setHealthTimeout(one, 3 + lasts % 3);
          }
        }, this.signal);
        break;
      case "reload-bad":
        await host.spoilConfig(lasts, this.signal);
        break;
      case "take-out":
        await host.configure((config) => config.setOut(service, true), this.signal);
        await pause(lasts * 2);
        await host.configure((config) => config.setOut(service, false), this.signal);
        break;
      case "look":
        await this.#look();
        break;
    }
  }

  /**
   * An operator's command. It may be refused, or be cut off; but it never finds a fault of hail's own.
   *
   * @returns Whether it was done.
   */
  async #hail(command: string, ...words: string[]): Promise<boolean> {
    const result = await this.host.exec(["hail", command, this.service, ...words]);
    // Somebody may kill the agent of all services.
    if (result?.stderr.includes("it ended before it answered")) {
      this.#count(`hail ${command}: hail has ended`);
      return false;
    }
    this.#count(`hail ${command}: ${result === null ? "cut off" : `status ${result.status}`}`);
    if (result?.status === 1) {
      throw new Error(`hail ${[command, ...words].join(" ")}:\n${result.stdout}${result.stderr}`);
    }
    return result?.status === 0;
  }

  /** What is told of all services must be whole, whatever is under way. */
  async #look(): Promise<void> {
    const result = await this.host.exec(["hail", "status", "--json"]);
    this.#count(`hail status: ${result === null ? "cut off" : `status ${result.status}`}`);
    if (result === null) return;
    if (result.status !== 0) throw new Error(`hail status:\n${result.stdout}${result.stderr}`);
    const { services } = JSON.parse(result.stdout) as { services: { service: string }[] };
    const told = services.map(({ service }) => service);
    if (this.#seq > 0 && !told.includes(this.service)) {
      throw new Error(`hail status tells of ${told.join(" ")} only`);
    }
  }

  /** Waits until hail has nothing left to do, and nothing changes while that is looked at. */
  async #rest(path: string): Promise<{ record: Remembered; found: Found }> {
    const over = performance.now() + REST_LIMIT;
    let why = "";
    for (;; await pause(LOOK)) {
      if (performance.now() > over) throw new Error(`it has not come to rest: ${why}`);
      if (this.signal.aborted) throw new Error("another service has failed");
      const before = this.host.remembered(this.service, false);
      if (before === null) {
        why = "nothing is written down";
        continue;
      }
      const { active: now, work } = before.record;
      if (now?.how === "by-hand" && !isSound(kindOf(now.path)) && work?.endedAt !== null) {
        // hail was quicker than the operator, who has gone back to something else than he had seen.
        why = "the operator has gone back to a build that is broken";
        this.#count("corrected by hand");
        const generation = soundOne(await this.host.generations(this.service), 0);
        if (generation === undefined) throw new Error(`${why}, and there is no other`);
        await this.host.byHand(this.service, "--switch-generation", String(generation.number));
        await pause(BY_HAND);
        continue;
      }
      why = restless(before.record, this.#id, path) ?? "";
      if (why !== "") continue;
      const found = await this.host.find(this.service);
      const record = this.host.remembered(this.service);
      if (found === null || record === null || record.stamp !== before.stamp) {
        why = "it changes while it is looked at";
        continue;
      }
      const { active } = record.record;
      const wanted = active?.path ?? null;
      if (found.running === wanted && (found.profile?.path ?? null) === wanted) return { record, found };
      why = `${found.running} runs and the profile leads to ${found.profile?.path}, but ${wanted} is active`;
      // hail only takes note of what was changed by hand: to activate it is up to whoever did that.
      if (active?.how === "by-hand" && found.profile?.path === wanted) {
        this.#count("activated by hand");
        await this.host.activateByHand(this.service);
      }
    }
  }

  #count(what: string, times = 1) {
    this.tally.set(what, (this.tally.get(what) ?? 0) + times);
  }

  async #told(number: number, round: Round, error: unknown): Promise<Error> {
    const remembered = this.host.remembered(this.service);
    const log = await this.host.log(this.service).catch((error) => [String(error)]);
    const parts = [
      `${this.service}, round ${number} (${describeRound(round)})`,
      error instanceof Error ? error.message : String(error),
      `Hydra names build ${this.#id}, ${this.#path.at(-1)}`,
      `record: ${JSON.stringify(remembered?.record, null, 1)}`,
      `deployments:\n${
        (remembered?.deployments ?? []).slice(-8).map((one) => JSON.stringify(one)).join("\n")
      }`,
      `transitions:\n${
        (remembered?.transitions ?? []).slice(-40).map(({ seq, at, deploymentId, from, event, to }) =>
          `${seq} ${at} [${deploymentId}] ${from} -- ${event} --> ${to}`
        ).join("\n")
      }`,
      `activations:\n${log.slice(-20).map((line) => JSON.stringify(line)).join("\n")}`,
      `log:\n${await this.host.journal(this.service)}`,
    ];
    return new Error(parts.join("\n\n"), { cause: error });
  }
}

/** One of the generations that are sound, but for the newest. */
function soundOne(all: readonly Generation[], choice: number): Generation | undefined {
  const sound = all.slice(0, -1).filter(({ path }) => isSound(kindOf(path)));
  return sound[choice % Math.max(1, sound.length)];
}

/** Why hail still has something to do; null if it has not. */
function restless(record: ServiceRecord, id: number, path: string): string | null {
  const { state, latest, work, active, bad, pause } = record;
  if (latest?.id !== id) return `Hydra named build ${id}, and hail knows of ${latest?.id}`;
  if (work?.endedAt === null) return `deployment ${work.id} is ${state}`;
  if (!["active", "rolled-back", "held"].includes(state)) return `it is ${state}`;
  if (pauseInForce(pause, Date.now()) !== null) return "it is paused";
  if (active?.path !== path && !bad.some((mark) => mark.path === path)) return "the build is not deployed";
  return null;
}
