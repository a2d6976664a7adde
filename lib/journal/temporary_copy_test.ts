import assert from "node:assert/strict";
import { dirname } from "node:path";
import { journalWorld } from "../../tests/support/journal_world.ts";
import { copyToRead } from "./temporary_copy.ts";

Deno.test("a copy is for hail alone, has the log with it, and goes when it is not needed", () => {
  using world = journalWorld();
  world.step(world.open(), 3);
  const copy = copyToRead(world.file);
  for (const end of ["", "-wal"]) {
    assert.deepEqual(Deno.readFileSync(copy.file + end), Deno.readFileSync(world.file + end));
  }
  assert.equal((Deno.statSync(dirname(copy.file)).mode ?? 0) & 0o777, 0o700);
  copy.remove();
  assert.throws(() => Deno.statSync(dirname(copy.file)), Deno.errors.NotFound);
  copy.remove();
});

Deno.test("what cannot be copied is told", () => {
  using world = journalWorld();
  assert.throws(() => copyToRead(world.file), { name: "Trouble", kind: "unwritable" });
});
