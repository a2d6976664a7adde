import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { BinaryCache } from "../../support/binary_cache.ts";
import { eventually } from "../../support/command.ts";
import { hailExecutable } from "../../support/executable.ts";
import { FakeHydra } from "../../support/fake_hydra.ts";
import { type Nix, nixConf } from "../../support/nix.ts";
import { SampleProfiles } from "../../support/sample_profile.ts";
import { Stage, type Suite } from "../../support/stage.ts";

const BOOTSTRAP = fileURLToPath(new URL("../../../hail-systemd-bootstrap.nix", import.meta.url));
const PROFILES = "/nix/var/nix/profiles/hail-profiles";
const UNITS = "/etc/systemd/system";

/** The job that builds the bootstrap profile, and the service that follows it. */
export const MANAGER = "manager";

/** A service as hail-systemd-bootstrap.nix takes it, without its jobUri. */
export type ServiceOptions = Readonly<Record<string, unknown>>;

/** A build of the bootstrap profile: the version of hail in it, and its services. */
export interface Fleet {
  readonly hail: 1 | 2;
  /** The argument `agent`: whether one hail keeps them all. */
  readonly agent?: boolean | Readonly<Record<string, unknown>>;
  readonly services: Readonly<Record<string, ServiceOptions>>;
}

// What a service's activation leaves on the host: the version that is in force, and a program that runs on.
const ACTIVATE = `#!/bin/sh
set -e
name=$(basename "$HAIL_PROFILE")
mkdir -p /srv/state
cp "$HAIL_PROFILE/version" "/srv/state/.$name"
mv "/srv/state/.$name" "/srv/state/$name"
systemctl is-active --quiet "app-$name" || systemd-run --quiet --unit="app-$name" --collect sleep infinity
`;

/** Stands in for the original hail: the manager activates its profile, once, and all of them run on. */
const ORIGINAL = `#!/bin/sh
case "$*" in *hail-profiles/manager*) ${PROFILES}/manager/bin/activate ;; esac
exec sleep infinity
`;

const DEACTIVATE = `#!/bin/sh
exec systemctl stop "app-$(basename "$HAIL_PROFILE")"
`;

/** A booted Debian whose services come from a Hydra and a binary cache, by way of the bootstrap profile. */
export class BootstrapHost implements AsyncDisposable {
  #lastBuild = 0;

  private constructor(
    readonly stage: Stage,
    readonly hydra: FakeHydra,
    readonly samples: SampleProfiles,
    readonly nix: Nix,
    private readonly cleanUp: AsyncDisposableStack,
  ) {}

  static async make(suite: Suite): Promise<BootstrapHost> {
    const cleanUp = new AsyncDisposableStack();
    try {
      const executable = await hailExecutable();
      const folder = await Deno.makeTempDir({ prefix: "hail-bootstrap-" });
      cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
      const stage = cleanUp.use(await Stage.make({ suite, folders: { [folder]: folder } }));
      const nix: Nix = {
        run: (command, options) =>
          stage.exec(command, { ...options, env: { NIX_REMOTE: "daemon", ...options?.env } }),
      };
      const samples = await SampleProfiles.make(nix, folder);
      await Deno.mkdir(samples.cacheFolder, { recursive: true });
      const cache = cleanUp.use(new BinaryCache(samples.cacheFolder));
      const hydra = cleanUp.use(new FakeHydra());
      await stage.write(
        "/etc/nix/nix.conf",
        nixConf({ substituters: [cache.uri], trustedPublicKeys: [samples.publicKey] }, "/etc/nix/netrc")
          .replace("build-users-group =", "build-users-group = nixbld"),
      );
      await stage.exec(["systemctl", "restart", "nix-daemon.socket"], { mayFail: true });
      await stage.push(BOOTSTRAP, "/root/hail-systemd-bootstrap.nix");
      for (const version of [1, 2]) {
        await stage.exec(["mkdir", "-p", `/root/hail-${version}`]);
        await stage.push(executable, `/root/hail-${version}/hail`);
      }
      return new BootstrapHost(stage, hydra, samples, nix, cleanUp);
    } catch (error) {
      await cleanUp.disposeAsync();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cleanUp.disposeAsync();
  }

  job(name: string): string {
    return `fleet/main/${name}`;
  }

  /** Builds a bootstrap profile in the store of the host. */
  async build({ hail, agent = false, services }: Fleet): Promise<string> {
    const set = Object.fromEntries(
      Object.entries(services).map(([name, options]) => [name, {
        jobUri: this.hydra.jobUri(this.job(name)),
        pollPeriod: "1s",
        ...options,
      }]),
    );
    await this.stage.write("/root/arguments.json", JSON.stringify({ agent, services: set }));
    const tools = ["nix", "bash", "coreutils", "systemd"].map((name) => `${name} = "/usr";`).join(" ");
    const expression = `import /root/hail-systemd-bootstrap.nix { hail = /root/hail-${hail}; ${tools} }
      (builtins.fromJSON (builtins.readFile /root/arguments.json))`;
    const built = await this.nix.run(["nix-build", "--no-out-link", "--expr", expression]);
    return built.stdout.trim();
  }

  /** Lets Hydra have a new build of the bootstrap profile; the host can get it from the binary cache only. */
  async releaseFleet(fleet: Fleet): Promise<string> {
    const storePath = await this.build(fleet);
    const profile = { name: MANAGER, version: "", storePath, payloadPath: storePath };
    await this.samples.publish(profile);
    // One that is in force cannot be deleted, and need not be.
    await this.samples.forget(profile).catch(() => {});
    this.hydra.setLatest(this.job(MANAGER), { id: ++this.#lastBuild, path: storePath });
    return storePath;
  }

  /**
   * Lets Hydra have a new build of a service.
   *
   * @param begin What its activation does first, a line of shell.
   */
  async releaseService(name: string, version: string, begin = ""): Promise<void> {
    const { storePath } = await this.samples.release({
      name,
      version,
      activate: ACTIVATE.replace("set -e\n", `set -e\n${begin}\n`),
      files: { "bin/deactivate": { text: DEACTIVATE, executable: true } },
    });
    this.hydra.setLatest(this.job(name), { id: ++this.#lastBuild, path: storePath });
  }

  /** Starts the original's manager, which activates a fleet, and its hail for another service. */
  async startOriginal(fleet: Fleet, other: string): Promise<void> {
    await this.stage.write("/opt/original/bin/hail", ORIGINAL, 0o755);
    for (const name of [MANAGER, other]) {
      const options = `--profile hail-profiles/${name} --job-uri ${this.hydra.jobUri(this.job(name))}`;
      const unit = `[Service]\nExecStart=/opt/original/bin/hail ${options}\nRestart=always\n`;
      await this.stage.write(
        `${UNITS}/hail-${name}.service`,
        `${unit}[Install]\nWantedBy=multi-user.target\n`,
      );
    }
    const storePath = await this.build(fleet);
    await this.stage.exec(["nix-env", "--profile", `${PROFILES}/${MANAGER}`, "--set", storePath]);
    await this.stage.exec(["systemctl", "daemon-reload"]);
    await this.stage.exec(["systemctl", "enable", "--now", `hail-${MANAGER}`, `hail-${other}`]);
  }

  /** A property of the unit of a service. */
  show(service: string, property: string): Promise<string> {
    return this.showUnit(`hail-${service}.service`, property);
  }

  /** A property of a unit. */
  async showUnit(unit: string, property: string): Promise<string> {
    const { stdout } = await this.stage.exec([
      ...["systemctl", "show", "--value", `--property=${property}`, "--", unit],
    ]);
    return stdout.trim();
  }

  /** The process that a service's activation has left running; "0" if there is none. */
  program(service: string): Promise<string> {
    return this.showUnit(`app-${service}.service`, "MainPID");
  }

  /** The version of a service that its activation has put in force last. */
  async inForce(service: string): Promise<string> {
    const { stdout } = await this.stage.exec(["cat", `/srv/state/${service}`], { mayFail: true });
    return stdout.trim();
  }

  /** Where the profile of a service leads. */
  async profile(service: string): Promise<string> {
    return (await this.stage.exec(["readlink", "-f", `${PROFILES}/${service}`])).stdout.trim();
  }

  /** Waits until the host is where Hydra says, and no trace of the way is left. */
  async settled(
    storePath: string,
    { hail, agent = false, services }: Fleet,
    versions: Readonly<Record<string, string>>,
  ) {
    const wanted = Object.keys(services).sort();
    const files = agent !== false && wanted.length > 0
      ? ["hail.service"]
      : wanted.map((name) => `hail-${name}.service`);
    let last: unknown;
    await eventually("the host is where Hydra says", async () => {
      try {
        if (wanted.includes(MANAGER)) assert.equal(await this.profile(MANAGER), storePath);
        assert.deepEqual(await this.#list(UNITS), [".hail.lock", ...files]);
        assert.deepEqual(await this.#list(`${UNITS}/multi-user.target.wants`), files);
        assert.deepEqual(await this.#running(), files);
        for (const file of files) {
          const text = await this.stage.exec(["cat", `${UNITS}/${file}`]);
          const built = await this.stage.exec(["cat", `${storePath}/share/hail/units/${file}`]);
          assert.equal(text.stdout, built.stdout);
          const program = await this.stage.exec([
            ...["readlink", `/proc/${await this.showUnit(file, "MainPID")}/exe`],
          ]);
          assert.match(program.stdout, new RegExp(`^/nix/store/[a-z0-9]{32}-hail-${hail}/hail$`, "m"));
          assert.equal(await this.showUnit(file, "NeedDaemonReload"), "no");
        }
        for (const [name, version] of Object.entries(versions)) {
          assert.equal(await this.inForce(name), version, name);
        }
        return true;
      } catch (error) {
        last = error;
        return false;
      }
    }, 60_000).catch(async (error) => {
      throw new Error(`${error}\n${await this.stage.journal()}`, { cause: last });
    });
  }

  /** The names of hail's own in a folder. */
  async #list(folder: string): Promise<string[]> {
    const { stdout } = await this.stage.exec(["ls", "-A", folder]);
    return stdout.split("\n").filter((name) => /^\.?hail/.test(name)).sort();
  }

  async #running(): Promise<string[]> {
    const { stdout } = await this.stage.exec([
      ...[
        "systemctl",
        "list-units",
        "--plain",
        "--no-legend",
        "--state=active",
        "--",
        "hail-*.service",
        "hail.service",
      ],
    ]);
    return stdout.split("\n").map((line) => line.split(" ")[0] ?? "").filter((name) => name !== "").sort();
  }
}
