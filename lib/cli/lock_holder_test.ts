import assert from "node:assert/strict";
import { lockProfile } from "../nix/profile_lock.ts";
import { parseProfile } from "../nix/profile_name.ts";
import { readLock } from "../process/proc_locks.ts";
import { createRunCommand } from "../process/run_command.ts";
import { systemClock } from "../time/system_clock.ts";
import { findLockHolders } from "./lock_holder.ts";

Deno.test("lock holder: it is found by the inode, among locks of other kinds", () => {
  assert.deepEqual(readLock("1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF"), { inode: 131, pid: 1234 });
  for (
    const line of [
      "1: FLOCK  ADVISORY  READ  1234 08:01:131 0 EOF",
      "1: -> FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF",
      "1: POSIX  ADVISORY  WRITE 1234 08:01:131 0 EOF",
      "1: FLOCK  ADVISORY  WRITE -1 08:01:131 0 EOF",
      "",
      "131",
    ]
  ) assert.equal(readLock(line), null, line);
});

Deno.test("lock holder: this process is found while it holds a profile, and nobody afterwards", async () => {
  const folder = await Deno.makeTempDir();
  const profile = parseProfile(`${folder}/web`, "");
  const run = createRunCommand(systemClock);
  assert.equal((await findLockHolders(run))(profile), null);
  const lock = await lockProfile(profile, "/nix/store");
  assert.equal((await findLockHolders(run))(profile), Deno.pid);
  lock.release();
  assert.equal((await findLockHolders(run))(profile), null);
  await Deno.remove(folder, { recursive: true });
});
