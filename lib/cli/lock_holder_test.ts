import assert from "node:assert/strict";
import { lockProfile } from "../nix/profile_lock.ts";
import { parseProfile } from "../nix/profile_name.ts";
import { createRunCommand } from "../process/run_command.ts";
import { systemClock } from "../time/system_clock.ts";
import { findLockHolder, holderOf } from "./lock_holder.ts";

Deno.test("lock holder: it is found by the inode, among locks of other kinds", () => {
  assert.equal(holderOf(131, "1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF"), 1234);
  for (
    const line of [
      "1: FLOCK  ADVISORY  WRITE 1234 08:01:1311 0 EOF",
      "1: FLOCK  ADVISORY  READ  1234 08:01:131 0 EOF",
      "1: -> FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF",
      "1: POSIX  ADVISORY  WRITE 1234 08:01:131 0 EOF",
      "1: FLOCK  ADVISORY  WRITE -1 08:01:131 0 EOF",
      "",
      "131",
    ]
  ) assert.equal(holderOf(131, line), null, line);
});

Deno.test("lock holder: this process is found while it holds a profile, and nobody afterwards", async () => {
  const folder = await Deno.makeTempDir();
  const profile = parseProfile(`${folder}/web`, "");
  const run = createRunCommand(systemClock);
  assert.equal(await findLockHolder(profile, run), null);
  const lock = await lockProfile(profile, "/nix/store");
  assert.equal(await findLockHolder(profile, run), Deno.pid);
  lock.release();
  assert.equal(await findLockHolder(profile, run), null);
  await Deno.remove(folder, { recursive: true });
});
