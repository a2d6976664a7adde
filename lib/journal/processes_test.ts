import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type JournalWorld, journalWorld } from "../../tests/support/journal_world.ts";
import { readService } from "./read.ts";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const WRITER = fileURLToPath(new URL("../../tests/support/journal_writer.ts", import.meta.url));

const READER = fileURLToPath(new URL("../../tests/support/journal_reader.ts", import.meta.url));

/** The database is open all the time, or closed after each step. */
const MODES = ["alone", "crowded"];

/** A process that takes steps until it is killed. */
function writer({ folder }: JournalWorld, mode: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--config", CONFIG, WRITER, folder, mode],
    stdout: "piped",
  }).spawn();
}

/** Waits until the writer has told of so many more lines. */
async function heard(child: Deno.ChildProcess, lines: number): Promise<string> {
  const reader = child.stdout.getReader();
  let text = "";
  while (text.split("\n").length <= lines) {
    const { value, done } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  return text;
}

function assertWhole({ chain, record }: ReturnType<JournalWorld["stored"]>) {
  chain.forEach(([seq, from], index) => {
    assert.equal(seq, index + 1);
    assert.equal(from, chain[index - 1]?.[2] ?? "idle");
  });
  assert.equal(record.state, chain.at(-1)?.[2] ?? "idle");
}

for (const mode of MODES) {
  Deno.test(`a writer (${mode}) that is killed at any moment leaves every step that it has told of, and no gap`, async () => {
    using world = journalWorld();
    let steps = 0;
    for (let round = 0; round < 4; round++) {
      const child = writer(world, mode);
      const text = await heard(child, 10 + round * 7);
      child.kill("SIGKILL");
      await child.status;
      await child.stdout.cancel();
      const told = text.trimEnd().split("\n").map(Number);
      const stored = world.stored();
      assertWhole(stored);
      assert.ok(
        stored.chain.length >= steps + told.length,
        `${stored.chain.length} of ${steps} + ${told.length}`,
      );
      steps = stored.chain.length;
      // hail itself finds it in order, and goes on.
      const journal = world.open();
      assert.deepEqual(journal.record, stored.record);
      journal.close();
    }
    assert.deepEqual(world.events, []);
  });

  Deno.test(`a reader sees one moment after the other while another process writes (${mode}), and does not disturb it`, async () => {
    using world = journalWorld();
    const child = writer(world, mode);
    await heard(child, 5);
    let before = 0;
    for (let times = 0; times < 60; times++) {
      const service = readService(world.file);
      const chain = service.transitions(30_000).toReversed().map(({ seq, from, to }) =>
        [seq, from, to] as const
      );
      assertWhole({ ...service, chain, ids: [] });
      service.close();
      assert.ok(chain.length >= before);
      before = chain.length;
      await heard(child, 1);
    }
    child.kill("SIGTERM");
    await child.status;
    await child.stdout.cancel();
    assert.ok(before > 60);
    assertWhole(world.stored());
    world.open().close();
    assert.deepEqual(world.events, []);
  });
}

/** What another user reads; or why that cannot be tried here. */
async function readAs(uid: number, gid: number, bundle: string, file: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o777);
  try {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      // What the compiled hail may do.
      args: ["run", "--quiet", "--no-config", "--no-prompt", "--allow-read", "--allow-write", bundle, file],
      env: { DENO_DIR: folder, HOME: folder, NO_COLOR: "1" },
      cwd: "/",
      uid,
      gid,
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    return "NOT TESTED: another user may not run this Deno";
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a member of the group reads the state, while hail runs, after it was killed and after it has ended", async () => {
  using world = journalWorld();
  const say = (text: string) => void Deno.stderr.writeSync(new TextEncoder().encode(`\n*** ${text} ***\n`));
  if (Deno.uid() !== 0) return say("NOT TESTED: a reader of another user, since only root can start one");
  const temporary = world.folder.replace(/\/state$/, "");
  await Deno.chmod(temporary, 0o755);
  const bundle = `${temporary}/reader.js`;
  const bundled = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--config", CONFIG, `--output=${bundle}`, READER],
  }).output();
  assert.ok(bundled.success, new TextDecoder().decode(bundled.stderr));
  const gid = 4711;
  const journal = world.open({ gid });
  const expect = async (steps: number) => {
    const said = await readAs(65534, gid, bundle, world.file);
    if (said.startsWith("NOT TESTED")) return say(said);
    assert.equal(said, `${JSON.stringify([journal.record.state, steps])}\n`);
  };
  world.step(journal, 8);
  await expect(8);
  world.step(journal, 1);
  await expect(9);
  const kept = ["", "-wal"].map((end) => Deno.readFileSync(world.file + end));
  journal.close();
  await expect(9);
  // What is left after hail was killed; without the index of the log, as after a power cut.
  kept.forEach((bytes, index) => {
    const file = `${world.file}${["", "-wal"][index]}`;
    Deno.writeFileSync(file, bytes, { mode: 0o640 });
    Deno.chownSync(file, 0, gid);
  });
  await expect(9);
  assert.deepEqual(world.names(), ["web-a18433467ea5.sqlite", "web-a18433467ea5.sqlite-wal"]);
  const stranger = await readAs(65534, 65534, bundle, world.file);
  assert.match(stranger, /state-unwritable: hail may not open it|NOT TESTED/);
});
