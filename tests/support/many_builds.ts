import type { Stage } from "./stage.ts";

/** A build that consists of programs. */
export interface ProgramsBuild {
  /** Its store path ends with it. No two builds have the same. */
  readonly name: string;
  /** The texts of the programs, by their names in `bin/`. */
  readonly programs: Readonly<Record<string, string>>;
}

/** Builds that were published. */
export interface Published {
  /** The store paths, by the names of the builds. */
  readonly paths: ReadonlyMap<string, string>;
  /** What must stand in `trusted-public-keys`. */
  readonly publicKey: string;
}

/**
 * Adds builds to the store of a stage all at once, signs them into the binary cache `FOLDER/cache`, which is made, and
 * deletes them from the store: so hail has to fetch them.
 *
 * @param folder A folder of the test's own that has the same path inside and outside of the stage.
 */
export async function publishBuilds(
  stage: Stage,
  folder: string,
  builds: readonly ProgramsBuild[],
): Promise<Published> {
  await Deno.mkdir(`${folder}/cache`, { recursive: true });
  for (const { name, programs } of builds) {
    await Deno.mkdir(`${folder}/builds/${name}/bin`, { recursive: true });
    await Deno.writeTextFile(`${folder}/builds/${name}/name`, name);
    for (const [program, text] of Object.entries(programs)) {
      await Deno.writeTextFile(`${folder}/builds/${name}/bin/${program}`, text, { mode: 0o755 });
    }
  }
  const script = `set -e
cd "$1/builds"
nix-store --generate-binary-cache-key builds-1 "$1/key" "$1/key.public"
xargs nix-store --add >../paths
xargs nix --extra-experimental-features nix-command \\
  copy --to "file://$1/cache?secret-key=$1/key&compression=none" <../paths
nix-store --gc --quiet`;
  await stage.exec(["sh", "-c", script, "sh", folder], {
    stdin: builds.map(({ name }) => `./${name}\n`).join(""),
    limit: 600_000,
  });
  await Deno.remove(`${folder}/builds`, { recursive: true });
  const paths = (await Deno.readTextFile(`${folder}/paths`)).trim().split("\n");
  return {
    paths: new Map(paths.map((path) => [path.slice(path.indexOf("-") + 1), path])),
    publicKey: (await Deno.readTextFile(`${folder}/key.public`)).trim(),
  };
}
