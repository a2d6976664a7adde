import { type CommandOptions, type CommandResult, run, RunningCommand } from "./command.ts";
import { type Nix, nixConf, type NixSettings } from "./nix.ts";

/**
 * The Nix on PATH with a store, a state and a configuration of its own in a temporary folder. It needs neither root nor
 * a Nix daemon, and leaves those of the machine alone.
 *
 * Its store paths begin with `FOLDER/store/`, so paths from other stores cannot be used.
 */
export class PrivateNix implements Nix, AsyncDisposable {
  private constructor(readonly folder: string) {}

  /** Makes an empty store. `await using` deletes it. */
  static async make(settings: NixSettings = {}): Promise<PrivateNix> {
    // Nix refuses a store below a symbolic link, which the temporary folder is on some machines.
    const nix = new PrivateNix(await Deno.realPath(await Deno.makeTempDir({ prefix: "hail-nix-" })));
    for (const name of ["store", "var", "etc", "home", "tmp"]) await Deno.mkdir(`${nix.folder}/${name}`);
    await nix.configure(settings);
    return nix;
  }

  /** Writes a new `nix.conf`. */
  async configure(settings: NixSettings): Promise<void> {
    const netrc = `${this.folder}/etc/netrc`;
    await Deno.writeTextFile(netrc, settings.netrc ?? "", { mode: 0o600 });
    await Deno.writeTextFile(`${this.folder}/etc/nix.conf`, nixConf(settings, netrc));
  }

  /** What a program must have in its environment to use this store; hail, too. */
  get env(): Readonly<Record<string, string>> {
    return {
      NIX_STORE_DIR: `${this.folder}/store`,
      NIX_STATE_DIR: `${this.folder}/var`,
      NIX_LOG_DIR: `${this.folder}/var/log`,
      NIX_CONF_DIR: `${this.folder}/etc`,
      NIX_USER_CONF_FILES: "",
      NIX_CONFIG: "",
      // Else a machine that is set up to use the daemon would use it, and with it the store of the machine.
      NIX_REMOTE: "local",
      HOME: `${this.folder}/home`,
      TMPDIR: `${this.folder}/tmp`,
    };
  }

  /** Runs a program to its end. */
  run(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return run(command, { ...options, env: { ...this.env, ...options.env } });
  }

  /** Starts a program that runs beside the test. */
  start(command: readonly string[], options: Pick<CommandOptions, "env" | "stdin"> = {}): RunningCommand {
    return new RunningCommand(command, { ...options, env: { ...this.env, ...options.env } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The folders of a store cannot be written to, so their entries could not be deleted.
    await run(["chmod", "-R", "u+w", this.folder]);
    await Deno.remove(this.folder, { recursive: true });
  }
}
