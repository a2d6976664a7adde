/**
 * A host for tests of the command line: hail runs from its sources, and Nix is a few lines of shell, so that no Nix has to
 * be there. What hail makes of the real one is tested in tests/end_to_end/.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type CommandResult, eventually, run, RunningCommand } from "../support/command.ts";
import { FakeHydra } from "../support/fake_hydra.ts";
import { findMistakes, readSchema } from "./json_schema.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** The job whose builds {@linkcode SmallWorld.release} makes. */
export const JOB = "demo/main/web";

const PROGRAMS: Readonly<Record<string, string>> = {
  // Everything is there already: it makes the root that it is asked for.
  "nix-store": `#!/bin/sh
path=$2
[ "$3" = --dry-run ] && exit 0
[ -e "$path" ] || { echo "error: path '$path' is not valid" >&2; exit 1; }
[ "$3" = --add-root ] && ln -sfn "$path" "$4"
echo "$path"
`,
  "nix-env": `#!/bin/sh
profile=$2
[ "$3" = --set ] || exit 0
last=$(ls -d "$profile"-*-link 2>/dev/null | sed 's/.*-\\([0-9]*\\)-link$/\\1/' | sort -n | tail -1)
next=$((\${last:-0} + 1))
ln -s "$4" "$profile-$next-link"
ln -sfn "$(basename "$profile")-$next-link" "$profile"
`,
  "nix": "#!/bin/sh\nexit 1\n",
};

/** A host with one Hydra. */
export class SmallWorld implements AsyncDisposable {
  readonly #running: RunningCommand[] = [];

  private constructor(readonly folder: string, readonly hydra: FakeHydra) {}

  static async make(): Promise<SmallWorld> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "hail-operator-" }));
    for (const name of ["bin", "store", "var/profiles", "state"]) {
      await Deno.mkdir(`${folder}/${name}`, { recursive: true });
    }
    for (const [name, text] of Object.entries(PROGRAMS)) {
      await Deno.writeTextFile(`${folder}/bin/${name}`, text, { mode: 0o755 });
    }
    return new SmallWorld(folder, new FakeHydra());
  }

  get env(): Record<string, string> {
    return {
      PATH: `${this.folder}/bin:${Deno.env.get("PATH") ?? ""}`,
      NIX_STORE_DIR: `${this.folder}/store`,
      NIX_STATE_DIR: `${this.folder}/var`,
      STATE_DIRECTORY: `${this.folder}/state`,
      NO_COLOR: "1",
    };
  }

  /** Makes a build the latest of the job. `activate` is the shell script of its activation. */
  async release(id: number, activate = "exit 0"): Promise<string> {
    const path = `${this.folder}/store/${String(id).padStart(32, "0")}-web-${id}.0`;
    await Deno.mkdir(`${path}/bin`, { recursive: true });
    await Deno.writeTextFile(`${path}/bin/activate`, `#!/bin/sh\n${activate}\n`, { mode: 0o755 });
    this.hydra.setLatest(JOB, { id, path, nixname: `web-${id}.0`, stoptime: 1_700_000_000 });
    return path;
  }

  /** Runs a command to its end. */
  hail(...args: readonly string[]): Promise<CommandResult> {
    return run([Deno.execPath(), "run", "--quiet", "-A", MAIN, ...args], { mayFail: true, env: this.env });
  }

  /** Deploys once. */
  oneshot(profile = "web", ...more: readonly string[]): Promise<CommandResult> {
    return this.hail("--profile", profile, "--job-uri", this.hydra.jobUri(JOB), "--oneshot", ...more);
  }

  /** Deploys once, which has to succeed. */
  async deploy(profile?: string): Promise<void> {
    const { status, stderr } = await this.oneshot(profile);
    assert.equal(status, 0, stderr);
  }

  /** Runs a command, which has to succeed, for its answer in JSON, which has to be as a schema of docs/schema/ says. */
  async json(schema: string, ...args: readonly string[]) {
    const { status, stdout, stderr } = await this.hail(...args, "--json");
    assert.equal(status, 0, stderr);
    const document = JSON.parse(stdout);
    assert.deepEqual(findMistakes(document, await readSchema(schema)), []);
    return document;
  }

  /** Starts a hail that stays, and waits until it has polled. */
  async start(profile = "web", ...more: readonly string[]): Promise<RunningCommand> {
    const polls = this.hydra.requests.length;
    const args = ["--profile", profile, "--job-uri", this.hydra.jobUri(JOB), "--poll-period", "1h", ...more];
    const running = new RunningCommand([Deno.execPath(), "run", "--quiet", "-A", MAIN, ...args], {
      env: this.env,
    });
    this.#running.push(running);
    await eventually("a poll", () => this.hydra.requests.length > polls);
    return running;
  }

  /** Writes the configuration of an agent. */
  async configure(text: string): Promise<string> {
    const file = `${this.folder}/config.toml`;
    await Deno.writeTextFile(file, text, { mode: 0o644 });
    return file;
  }

  /** Starts an agent with a configuration that {@linkcode configure} has written, and waits until it has polled. */
  async startAgent(file: string): Promise<RunningCommand> {
    const polls = this.hydra.requests.length;
    const running = new RunningCommand(
      [Deno.execPath(), "run", "--quiet", "-A", MAIN, "agent", "--config", file],
      { env: this.env },
    );
    this.#running.push(running);
    await eventually("a poll", () => this.hydra.requests.length > polls);
    return running;
  }

  /** What the profile points at. */
  profile(name = "web"): Promise<string> {
    return Deno.realPath(`${this.folder}/var/profiles/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) await running[Symbol.asyncDispose]();
    await this.hydra.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}
