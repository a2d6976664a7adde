import type { Nix } from "./nix.ts";

/** What a version of the sample service is made of. */
export interface SampleVersion {
  /** @default {"web"} */
  readonly name?: string;
  /** Two versions that differ in anything have different store paths. */
  readonly version: string;
  /** The text of `bin/activate`. None leaves the file out. */
  readonly activate?: string;
  /**
   * The permissions of `bin/activate`.
   *
   * @default {0o755}
   */
  readonly activateMode?: number;
  /** Further files, by their path in the profile: text that is not executable, or is. */
  readonly files?: Readonly<Record<string, { readonly text: string; readonly executable?: boolean }>>;
  /**
   * The size of what the profile depends on, in bytes: a second store path, `NAME-payload-VERSION`.
   *
   * @default {1000}
   */
  readonly payloadBytes?: number;
}

/** A version that was built. */
export interface SampleProfile {
  readonly name: string;
  readonly version: string;
  /** Of the profile itself. */
  readonly storePath: string;
  /** Of what the profile depends on; its path stands in the profile as `payload`. */
  readonly payloadPath: string;
}

/**
 * Builds service profiles with a Nix and signs them into a binary cache in a folder.
 *
 * Nothing is compressed in the cache, so that a NAR is about as large as the payload.
 */
export class SampleProfiles {
  /**
   * Part of all that is built, so that no other test has the same store paths: to Nix a path is alive that any process of
   * the machine has in its environment or open, also one of a test that runs at the same time in another store.
   */
  readonly #salt = crypto.randomUUID();

  private constructor(
    readonly nix: Nix,
    /** The binary cache. */
    readonly cacheFolder: string,
    readonly secretKeyFile: string,
    /** What must stand in `trusted-public-keys`. */
    readonly publicKey: string,
  ) {}

  /**
   * Makes a key and an empty binary cache.
   *
   * @param folder An existing folder of the test's own; the cache becomes `FOLDER/cache`.
   */
  static async make(nix: Nix, folder: string, keyName = "sample-1"): Promise<SampleProfiles> {
    const secretKeyFile = `${folder}/${keyName}.secret`;
    const publicKeyFile = `${folder}/${keyName}.public`;
    await nix.run(["nix-store", "--generate-binary-cache-key", keyName, secretKeyFile, publicKeyFile]);
    const publicKey = (await Deno.readTextFile(publicKeyFile)).trim();
    return new SampleProfiles(nix, `${folder}/cache`, secretKeyFile, publicKey);
  }

  /** Builds a version, signs it into the cache, and deletes it from the store: so hail has to fetch it. */
  async release(sample: SampleVersion): Promise<SampleProfile> {
    const profile = await this.build(sample);
    await this.publish(profile);
    await this.forget(profile);
    return profile;
  }

  /** Builds a version in the store. */
  async build(sample: SampleVersion): Promise<SampleProfile> {
    const name = sample.name ?? "web";
    const built = await this.nix.run([
      "nix-build",
      "--no-out-link",
      "--option",
      "substituters",
      "",
      "--expr",
      expression(name, sample, this.#salt),
    ]);
    const storePath = built.stdout.trim();
    const references = await this.nix.run(["nix-store", "--query", "--references", storePath]);
    const payloadPath = references.stdout.trim().split("\n").find((path) => path !== storePath);
    if (payloadPath === undefined) throw new Error(`${storePath} does not refer to its payload`);
    return { name, version: sample.version, storePath, payloadPath };
  }

  /** Signs a version that is in the store into the cache, with all that it depends on. */
  async publish(profile: SampleProfile): Promise<void> {
    const cache = `file://${this.cacheFolder}?secret-key=${this.secretKeyFile}&compression=none`;
    await this.nix.run([
      ...["nix", "--extra-experimental-features", "nix-command"],
      ...["copy", "--to", cache, profile.storePath],
    ]);
  }

  /** Deletes a version from the store, with its derivations: nothing but a substituter can bring it back. */
  async forget(profile: SampleProfile): Promise<void> {
    const query = ["nix-store", "--query", "--deriver", profile.storePath, profile.payloadPath];
    const derivers = (await this.nix.run(query)).stdout.trim().split("\n").filter((path) =>
      path.startsWith("/")
    );
    await this.nix.run(["nix-store", "--delete", profile.storePath, profile.payloadPath, ...derivers]);
  }

  /** The file in the cache that holds a store path. */
  async narFile(storePath: string): Promise<string> {
    const url = /^URL: (.+)$/m.exec(await Deno.readTextFile(this.narinfoFile(storePath)))?.[1];
    if (url === undefined) throw new Error(`the narinfo of ${storePath} has no URL`);
    return `${this.cacheFolder}/${url}`;
  }

  /** The file in the cache that describes a store path. */
  narinfoFile(storePath: string): string {
    return `${this.cacheFolder}/${storePath.replace(/^.*\//, "").slice(0, 32)}.narinfo`;
  }
}

/** The build scripts use no more than what any machine has, and give the same bytes each time. */
function expression(name: string, sample: SampleVersion, salt: string): string {
  const files: Record<string, { text: string; mode: number }> = {};
  for (const [path, { text, executable }] of Object.entries(sample.files ?? {})) {
    files[path] = { text, mode: executable ? 0o755 : 0o644 };
  }
  if (sample.activate !== undefined) {
    files["bin/activate"] = { text: sample.activate, mode: sample.activateMode ?? 0o755 };
  }
  files["version"] = { text: `${sample.version}\n`, mode: 0o644 };
  const attributes: string[] = [];
  const script = ["set -eu", "mkdir -p $out"];
  for (const [index, [path, { text, mode }]] of Object.entries(files).entries()) {
    attributes.push(`path${index} = ${nixString(path)};`, `text${index} = ${nixString(text)};`);
    script.push(
      `mkdir -p "$(dirname "$out/$path${index}")"`,
      `printf %s "$text${index}" >"$out/$path${index}"`,
      `chmod ${mode.toString(8)} "$out/$path${index}"`,
    );
  }
  script.push("echo $payload >$out/payload");
  return `let
  shell = name: script: attributes: derivation ({
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" script ];
    PATH = "/usr/bin:/bin:/run/current-system/sw/bin";
    salt = ${nixString(salt)};
  } // attributes);
  payload = shell ${nixString(`${name}-payload-${sample.version}`)}
    "set -eu; yes \\"payload of ${name} ${sample.version}\\" | head -c ${
    sample.payloadBytes ?? 1000
  } >$out" { };
in shell ${nixString(`${name}-${sample.version}`)} ${nixString(script.join("\n"))} {
  inherit payload;
  ${attributes.join("\n  ")}
}`;
}

/** A string literal of the Nix language. */
function nixString(text: string): string {
  return `"${text.replace(/["\\]|\$\{/g, (special) => `\\${special}`)}"`;
}
