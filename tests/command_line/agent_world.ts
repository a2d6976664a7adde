/** An agent from its sources in a {@linkcode SmallWorld}: each service has a job, a profile and an activation of its own. */
import { fileURLToPath } from "node:url";
import { eventually, RunningCommand } from "../support/command.ts";
import { SmallWorld } from "./small_world.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** hail, from its sources. */
const HAIL = [Deno.execPath(), "run", "--quiet", "-A", MAIN];

/** A service in the configuration: what it has besides its job. */
export type ServiceText = Readonly<Record<string, string>>;

/** A host with one agent. */
export class AgentWorld implements AsyncDisposable {
  readonly #small: SmallWorld;
  #agent: RunningCommand | null = null;
  #builds = 100;
  readonly #latest = new Map<string, number>();

  private constructor(small: SmallWorld) {
    this.#small = small;
  }

  static async make(): Promise<AgentWorld> {
    return new AgentWorld(await SmallWorld.make());
  }

  /** A host whose agent keeps these services, each at the first build of the job of its name, and is at rest. */
  static async keeping(
    services: Readonly<Record<string, ServiceText>>,
    top: ServiceText = {},
  ): Promise<AgentWorld> {
    await using made = new AsyncDisposableStack();
    const its = made.use(await AgentWorld.make());
    const names = Object.keys(services);
    for (const name of names) await its.release(name);
    await its.configure(services, top);
    await its.start();
    await its.activated(...names.map((name) => `${name} ${its.built(name)}`));
    await its.atRest(...names);
    made.move();
    return its;
  }

  get hydra() {
    return this.#small.hydra;
  }

  get folder(): string {
    return this.#small.folder;
  }

  get config(): string {
    return `${this.folder}/hail.toml`;
  }

  /** What an activation does that does not end by itself: only with this world, so that it outlives no test. */
  get hang(): string {
    return `while [ -d ${this.folder} ]; do sleep 1; done`;
  }

  /** The agent's log so far. */
  get log(): string {
    return this.#agent?.stderr ?? "";
  }

  /** Runs a command to its end. */
  hail(...args: readonly string[]) {
    return this.#small.hail(...args);
  }

  /**
   * Makes a build the latest of a service's job. Its activation writes `NAME BUILD`, and then does what the script says.
   *
   * @param stoptime When it has ended, in seconds since 1970: long ago, unless it is said.
   */
  async release(name: string, script = "exit 0", stoptime = 1_700_000_000): Promise<number> {
    const id = ++this.#builds;
    this.#latest.set(name, id);
    const path = this.storePath(name, id);
    await Deno.mkdir(`${path}/bin`, { recursive: true });
    const write = (program: string, what: string) =>
      Deno.writeTextFile(
        `${path}/bin/${program}`,
        `#!/bin/sh\necho "${what}" >> ${this.folder}/activations\n`,
        { mode: 0o755 },
      );
    await write("activate", `${name} ${id}`);
    await Deno.writeTextFile(`${path}/bin/activate`, `${script}\n`, { append: true });
    await write("deactivate", `${name} off`);
    this.hydra.setLatest(`demo/main/${name}`, {
      id,
      path,
      nixname: `${name}-${id}`,
      stoptime,
    });
    return id;
  }

  /** The latest build of a service's job. */
  built(name: string): number {
    const id = this.#latest.get(name);
    if (id === undefined) throw new Error(`${name} has no build`);
    return id;
  }

  /** Makes a build, as {@linkcode release} does, tells the agent of it, and waits until its activation has begun. */
  async deploying(name: string, script?: string): Promise<number> {
    const id = await this.release(name, script);
    await this.hail("poll", name);
    await this.activated(`${name} ${id}`);
    return id;
  }

  /** The setting that makes a service follow the job of this name. */
  job(name: string): ServiceText {
    return { "job-uri": `"${this.hydra.jobUri(`demo/main/${name}`)}"` };
  }

  /** The store path of a build of a service. */
  storePath(name: string, id: number): string {
    return `${this.folder}/store/${String(id).padStart(32, "0")}-${name}-${id}`;
  }

  /** Writes the configuration: the lines at its top, and the lines of each service. */
  async configure(services: Readonly<Record<string, ServiceText>>, top: ServiceText = {}): Promise<void> {
    const lines = (text: ServiceText) =>
      Object.entries(text).map(([key, value]) => `${key} = ${value}`).join("\n");
    const all = { "poll-period": '"1h"', "soak-time": '"0"', ...top };
    const tables = Object.entries(services).map(([name, text]) =>
      `[services.${name}]\n${lines({ ...this.job(name), ...text })}\n`
    );
    await Deno.writeTextFile(this.config, `${lines(all)}\n${tables.join("")}`);
  }

  /** Starts the agent, with more in its environment, from its sources unless another program is named. */
  async start(env: Readonly<Record<string, string>> = {}, hail = HAIL): Promise<RunningCommand> {
    const agent = new RunningCommand([...hail, "agent", "--config", this.config], {
      env: { ...this.#small.env, ...env },
    });
    this.#agent = agent;
    await agent.untilPrinted(/ keeps \d+ service/);
    return agent;
  }

  /** Starts a hail of the classic command line beside it, with more in its environment. */
  async classic(name: string, env: Readonly<Record<string, string>> = {}): Promise<RunningCommand> {
    const job = this.hydra.jobUri(`demo/main/${name}`);
    const args = ["--profile", name, "--job-uri", job, "--poll-period", "1h", "--soak-time", "0"];
    const hail = new RunningCommand([...HAIL, ...args], {
      env: { ...this.#small.env, ...env },
    });
    await hail.untilPrinted(/ keeps /);
    return hail;
  }

  /** Lets the agent read its configuration again, and waits until it has. */
  async reload(): Promise<void> {
    const count = () =>
      this.log.split("configuration was read again").length +
      this.log.split("old one stays in force").length;
    const before = count();
    this.#agent?.kill("SIGHUP");
    await eventually("a reload", () => count() > before);
  }

  /** Writes another configuration, and lets the agent read it. */
  async change(services: Readonly<Record<string, ServiceText>>, top?: ServiceText): Promise<void> {
    await this.configure(services, top);
    await this.reload();
  }

  /** Ends the agent and waits for that. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<number> {
    this.#agent?.kill(signal);
    return (await this.#agent?.finish())?.status ?? -1;
  }

  /** What was activated so far, `NAME BUILD` each, in order; and `NAME off` for what was deactivated. */
  async activations(): Promise<string[]> {
    try {
      return (await Deno.readTextFile(`${this.folder}/activations`)).trimEnd().split("\n");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Waits until something was activated. */
  activated(...what: readonly string[]): Promise<void> {
    return eventually(`the activation of ${what}`, async () => {
      const all = await this.activations();
      return what.every((one) => all.includes(one));
    });
  }

  /** Waits until services are active, and have polled again after their first deployment, as they do at once. */
  async atRest(...names: readonly string[]): Promise<void> {
    const polls = (name: string) =>
      this.hydra.requests.filter(({ path, method }) =>
        method === "HEAD" && path === `/job/demo/main/${name}/latest`
      ).length;
    await eventually(`${names} at rest`, async () => {
      const states = await this.states();
      return names.every((name) => states[name] === "active" && polls(name) >= 2);
    });
  }

  /** The states of the services, by name, as `hail status --json` has them. */
  async states(): Promise<Record<string, string>> {
    const { stdout } = await this.hail("status", "--json");
    const { services } = JSON.parse(stdout) as { services: { service: string; state: string }[] };
    return Object.fromEntries(services.map(({ service, state }) => [service, state]));
  }

  /** What the profile points at. */
  profile(name: string): Promise<string> {
    return this.#small.profile(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    await this.#small[Symbol.asyncDispose]();
  }
}
