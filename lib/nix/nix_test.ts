import assert from "node:assert/strict";
import type { Command, Exit } from "../process/run_command.ts";
import type { Event } from "../report/event.ts";
import { createNix } from "./nix.ts";
import { parseProfile } from "./profile_name.ts";
import type { StorePath } from "./store_path.ts";

const PATH = "/nix/store/00000000000000000000000000000000-web-1" as StorePath;
const PROFILE = parseProfile("hail-profiles/web", "/nix/var/nix/profiles");
const ROOT = "/nix/var/nix/profiles/hail-profiles/.web.hail-root";
const NEVER = new AbortController().signal;

type Answer = Partial<Exit> & { readonly prints?: readonly string[]; readonly throws?: Error };

/** A Nix whose commands answer in turn. */
function nixThat(...answers: readonly Answer[]) {
  const commands: Command[] = [];
  const events: Event[] = [];
  const touched: string[] = [];
  const left = [...answers];
  const nix = createNix({
    profile: PROFILE,
    realiseTimeout: 1000,
    run(command) {
      commands.push(command);
      const { prints = [], throws, ...exit } = left.shift() ?? {};
      if (throws !== undefined) return Promise.reject(throws);
      for (const line of prints) command.onLine?.(line, "stderr");
      return Promise.resolve({ status: 0, signal: null, ended: null, output: prints, ...exit });
    },
    report: (event) => events.push(event),
    files: {
      makeFolder: (path) => Promise.resolve(void touched.push(`make ${path}`)),
      remove: (path) => Promise.resolve(void touched.push(`remove ${path}`)),
    },
  });
  return { nix, commands, events, touched };
}

Deno.test("realise asks nix-store for the path alone, with a root, and never for a build", async () => {
  const { nix, commands, touched } = nixThat({});
  await nix.realise(PATH, NEVER);
  assert.deepEqual(touched, ["make /nix/var/nix/profiles/hail-profiles"]);
  assert.equal(commands.length, 1);
  assert.equal(commands[0]?.program, "nix-store");
  assert.deepEqual(commands[0]?.args.slice(0, 5), ["--realise", PATH, "--add-root", ROOT, "--indirect"]);
  assert.equal(commands[0]?.timeLimit, 1000);
});

Deno.test("realise shows no password that stands in the URI of a substituter", async () => {
  const line = "error: unable to download 'https://bob:s3cret@cache.example/x.narinfo': HTTP error 500";
  const { nix, events } = nixThat({ status: 1, prints: [line] });
  await assert.rejects(
    nix.realise(PATH, NEVER),
    (error: Error) =>
      /cannot be reached or fails.*cache\.example/.test(error.message) && !/s3cret/.test(error.message),
  );
  assert.doesNotMatch(JSON.stringify(events), /s3cret/);
});

Deno.test("realise looks for a refusal where no substituter has the path, and logs nothing of that", async () => {
  const missing = { status: 1, prints: ["don't know how to build these paths:"] };
  const debug = [
    "finished download of 'https://u:s3cret@c/x.narinfo'; curl status = 0, HTTP status = 401, body = 0",
  ];
  const refused = nixThat(missing, { prints: debug });
  await assert.rejects(refused.nix.realise(PATH, NEVER), { code: "cache-refused" });
  assert.ok(refused.commands[1]?.args.includes("--dry-run"));
  assert.equal(refused.events.length, 1);
  await assert.rejects(nixThat(missing, {}).nix.realise(PATH, NEVER), { code: "path-unavailable" });
  const broken = nixThat(missing, { throws: new Error("broken") });
  await assert.rejects(broken.nix.realise(PATH, NEVER), { code: "path-unavailable" });
});

Deno.test("realise tells a missing Nix, a time limit and an abort apart", async () => {
  await assert.rejects(nixThat({ throws: new Deno.errors.NotFound() }).nix.realise(PATH, NEVER), {
    code: "nix-missing",
  });
  await assert.rejects(nixThat({ status: 143, ended: "time-limit" }).nix.realise(PATH, NEVER), {
    code: "realise-timeout",
  });
  const stopped = AbortSignal.abort(new Error("stop"));
  await assert.rejects(nixThat({ status: 143, ended: "aborted" }).nix.realise(PATH, stopped), /stop/);
});

Deno.test("switchTo sets the profile, and fails with Nix's last error", async () => {
  const fine = nixThat({});
  await fine.nix.switchTo(PATH);
  assert.equal(fine.commands[0]?.program, "nix-env");
  assert.deepEqual(fine.commands[0]?.args, ["--profile", PROFILE, "--set", PATH]);
  assert.deepEqual(fine.touched, [], "the root stays until the deployment is settled");
  const { nix } = nixThat({ status: 1, prints: ["warning: x", "error: read-only file system"] });
  await assert.rejects(nix.switchTo(PATH), {
    code: "switch-failed",
    why: "Nix says: error: read-only file system",
  });
  await assert.rejects(nixThat({ throws: new Deno.errors.NotFound() }).nix.switchTo(PATH), {
    code: "switch-failed",
  });
});

Deno.test("release removes the root", async () => {
  const { nix, touched } = nixThat();
  await nix.release();
  assert.deepEqual(touched, [`remove ${ROOT}`]);
});
