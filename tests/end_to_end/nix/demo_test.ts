import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../support/command.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));
/** What the demo is made of: nothing else is copied for the user who runs it. */
const PARTS = ["main.ts", "deno.json", "deno.lock", "lib", "scripts", "tests/support"];
const NOBODY = "65534";

/** The names in the folder for temporary files that the demo could have left. */
async function leftovers(folder: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  return names.filter((name) => name.startsWith("hail-nix-") || name.startsWith("hail-demo"));
}

Deno.test("the demo deploys, updates, polls, and leaves nothing behind", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hail-test-demo-" });
  const { stdout } = await run([Deno.execPath(), "task", "--cwd", REPOSITORY, "demo"], {
    env: { TMPDIR: folder },
    limit: 120_000,
  });
  assert.match(stdout, /hail kept its word/);
  assert.match(stdout, /1 request each/);
  assert.deepEqual(await leftovers(folder), []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the demo needs no root, and no write access to the checkout", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hail-test-demo-" });
  try {
    for (const part of PARTS) {
      await Deno.mkdir(dirname(`${folder}/checkout/${part}`), { recursive: true });
      await run(["cp", "-r", `${REPOSITORY}/${part}`, `${folder}/checkout/${part}`]);
    }
    // Deno may be installed where only root can read.
    await Deno.copyFile(Deno.execPath(), `${folder}/deno`);
    await Deno.mkdir(`${folder}/home`);
    await run(["chmod", "-R", "a+rX", folder]);
    await run(["chown", `${NOBODY}:${NOBODY}`, `${folder}/home`]);
    const { stdout } = await run([
      ...["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"],
      ...[`${folder}/deno`, "task", "--cwd", `${folder}/checkout`, "demo"],
    ], {
      env: { HOME: `${folder}/home`, TMPDIR: `${folder}/home`, DENO_DIR: `${folder}/home/deno` },
      limit: 120_000,
    });
    assert.match(stdout, /hail kept its word/);
    assert.deepEqual(await leftovers(`${folder}/home`), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
