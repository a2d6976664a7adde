import assert from "node:assert/strict";
import type { Command, Exit } from "../process/run_command.ts";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { createNix } from "./nix.ts";
import { nixFiles } from "./nix_files.ts";
import { parseProfile } from "./profile_name.ts";
import type { StorePath } from "./store_path.ts";

const PATH = "/nix/store/00000000000000000000000000000000-web-1" as StorePath;
const OTHER = "/nix/store/11111111111111111111111111111111-web-2" as StorePath;
const PROFILE = parseProfile("hail-profiles/web", "/nix/var/nix/profiles");
const FOLDER = "/nix/var/nix/profiles/hail-profiles";
const ROOT = `${FOLDER}/.web.hail-root`;
const NEVER = new AbortController().signal;
const MIB = 1024 * 1024;

type Answer = Partial<Exit> & {
  /** What it prints on standard error. */
  readonly prints?: readonly string[];
  /** What it prints on standard output. */
  readonly says?: readonly string[];
  readonly throws?: Error;
  /** How long it runs, in milliseconds. */
  readonly takes?: number;
};

interface World {
  /** What is free on the store's file system, in bytes; null leaves out the question for the room. */
  readonly free?: number | null;
  readonly links?: Readonly<Record<string, string>>;
  readonly existing?: readonly string[];
}

/** A Nix whose commands answer in turn. */
function nixThat(answers: readonly Answer[], { free = null, links = {}, existing = [] }: World = {}) {
  const commands: Command[] = [];
  const events: Event[] = [];
  const touched: string[] = [];
  const left = [...answers];
  const clock = new VirtualClock();
  const nix = createNix({
    profile: PROFILE,
    storeFolder: "/nix/store",
    stateFolder: "/nix/var/nix",
    realiseTimeout: 1000,
    retention: { generations: null, days: null },
    clock,
    async run(command) {
      commands.push(command);
      const { prints = [], says = [], throws, takes = 0, ...exit } = left.shift() ?? {};
      if (throws !== undefined) throw throws;
      if (takes > 0) {
        const slept = clock.sleep(takes);
        await clock.advance(takes);
        await slept;
      }
      for (const line of says) command.onLine?.(line, "stdout");
      for (const line of prints) command.onLine?.(line, "stderr");
      return { status: 0, signal: null, ended: null, output: prints, ...exit };
    },
    report: (event) => events.push(event),
    files: {
      ...nixFiles,
      makeFolder: (path) => Promise.resolve(void touched.push(`make ${path}`)),
      remove: (path) => Promise.resolve(void touched.push(`remove ${path}`)),
      sync: (path) => Promise.resolve(void touched.push(`sync ${path}`)),
      readLink: (path) => Promise.resolve(links[path] ?? null),
      exists: (path) => existing.includes(path),
      freeSpace: () => free,
    },
  });
  return { nix, commands, events, touched };
}

const FETCHES = [
  "these 2 paths will be fetched (30.00 MiB download, 100.00 MiB unpacked):",
  "  /nix/store/22222222222222222222222222222222-web-payload-1",
  `  ${PATH}`,
];

Deno.test("realise asks nix-store for the path alone, with a root, and never for a build", async () => {
  const { nix, commands, touched } = nixThat([{}, {}]);
  await nix.realise(PATH, NEVER);
  assert.deepEqual(touched, [`make ${FOLDER}`]);
  const [realise, sync] = commands;
  assert.equal(realise?.program, "nix-store");
  assert.deepEqual(realise?.args.slice(0, 5), ["--realise", PATH, "--add-root", ROOT, "--indirect"]);
  assert.equal(realise?.timeLimit, 1000);
  assert.deepEqual([sync?.program, ...sync?.args ?? []], ["sync", "-f", "/nix/store", FOLDER]);
  assert.equal(commands.length, 2);
});

Deno.test("realise does not fail where what was fetched cannot be synced", async () => {
  for (const answer of [{ throws: new Deno.errors.NotFound() }, { status: 1 }]) {
    const { nix, events } = nixThat([{}, answer]);
    await nix.realise(PATH, NEVER);
    assert.deepEqual(events.map(({ name, level }) => `${name} ${level}`), ["room debug", "sync debug"]);
  }
});

Deno.test("realise looks for room first, and fetches nothing where there is too little", async () => {
  // 100 MiB, a tenth more, and 16 MiB.
  const enough = nixThat([{ prints: FETCHES }, {}, {}], { free: 126 * MIB });
  await enough.nix.realise(PATH, NEVER);
  assert.deepEqual(enough.commands.map(({ program }) => program), ["nix-store", "nix-store", "sync"]);
  assert.ok(enough.commands[0]?.args.includes("--dry-run"));
  const tight = nixThat([{ prints: FETCHES }, {}], { free: 126 * MIB - 1 });
  await assert.rejects(tight.nix.realise(PATH, NEVER), {
    code: "no-room",
    what: PATH,
    why:
      "it needs 126.0 MiB (100.0 MiB unpacked, and a margin), but 126.0 MiB are free on the file system of " +
      "/nix/store",
  });
  assert.equal(tight.commands.filter(({ args }) => args.includes("--add-root")).length, 0);
});

Deno.test("realise leaves it to Nix to make room where Nix is set to", async () => {
  const set = (minimum: string) => ({ says: ["max-jobs = 1", `min-free = ${minimum}`, "netrc-file = "] });
  const does = nixThat([{ prints: FETCHES }, set("1000000"), {}, {}], { free: 0 });
  await does.nix.realise(PATH, NEVER);
  assert.deepEqual(does.commands[1]?.args.slice(-2), ["config", "show"]);
  const doesNot = nixThat([{ prints: FETCHES }, set("0")], { free: 0 });
  await assert.rejects(doesNot.nix.realise(PATH, NEVER), { code: "no-room" });
  // Nix 2.8 knows the command by its older name.
  const old = nixThat([{ prints: FETCHES }, { status: 1 }, set("1"), {}, {}], { free: 0 });
  await old.nix.realise(PATH, NEVER);
  assert.deepEqual(old.commands[2]?.args.slice(-1), ["show-config"]);
});

Deno.test("realise goes on where it cannot be known how much room there must be", async () => {
  const cases: readonly (readonly [Answer, World])[] = [
    [{ status: 1, prints: ["error: unable to download"] }, { free: 0 }],
    [{ ended: "time-limit", status: 143 }, { free: 0 }],
    [{ throws: new Error("broken") }, { free: 0 }],
    [{ prints: ["these paths will be fetched (a lot):"] }, { free: 0 }],
    [{ prints: [...FETCHES, "don't know how to build these paths:", `  ${OTHER}`] }, { free: 0 }],
  ];
  for (const [answer, world] of cases) {
    const { nix, commands, events } = nixThat([answer, {}, {}], world);
    await nix.realise(PATH, NEVER);
    assert.ok(commands[1]?.args.includes("--add-root"), JSON.stringify(answer));
    assert.deepEqual(events.map(({ name, level }) => `${name} ${level}`), ["room debug"]);
  }
});

Deno.test("realise does not look for room where the path is there, or nothing is to be fetched", async () => {
  const there = nixThat([{}, {}], { free: 0, existing: [PATH] });
  await there.nix.realise(PATH, NEVER);
  assert.ok(there.commands[0]?.args.includes("--add-root"));
  await nixThat([{ prints: [] }, {}, {}], { free: 0 }).nix.realise(PATH, NEVER);
});

Deno.test("realise counts the question for the room into its time limit", async () => {
  const { nix, commands } = nixThat([{ prints: FETCHES, takes: 300 }, {}, {}], { free: 1000 * MIB });
  await nix.realise(PATH, NEVER);
  assert.deepEqual(commands.slice(0, 2).map(({ timeLimit }) => timeLimit), [500, 700]);
});

Deno.test("realise shows no password that stands in the URI of a substituter", async () => {
  const line = "error: unable to download 'https://bob:s3cret@cache.example/x.narinfo': HTTP error 500";
  const { nix, events } = nixThat([{ status: 1, prints: [line] }]);
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
  const refused = nixThat([missing, { prints: debug }]);
  await assert.rejects(refused.nix.realise(PATH, NEVER), { code: "cache-refused" });
  assert.ok(refused.commands[1]?.args.includes("--dry-run"));
  assert.equal(refused.events.filter(({ name }) => name === "nix-output").length, 1);
  await assert.rejects(nixThat([missing, {}]).nix.realise(PATH, NEVER), { code: "path-unavailable" });
  const broken = nixThat([missing, { throws: new Error("broken") }]);
  await assert.rejects(broken.nix.realise(PATH, NEVER), { code: "path-unavailable" });
});

Deno.test("realise tells a missing Nix, a time limit and an abort apart", async () => {
  await assert.rejects(nixThat([{ throws: new Deno.errors.NotFound() }]).nix.realise(PATH, NEVER), {
    code: "nix-missing",
  });
  await assert.rejects(nixThat([{ status: 143, ended: "time-limit" }]).nix.realise(PATH, NEVER), {
    code: "realise-timeout",
  });
  const stopped = AbortSignal.abort(new Error("stop"));
  for (const free of [null, 0]) {
    const { nix } = nixThat([{ status: 143, ended: "aborted" }], { free });
    await assert.rejects(nix.realise(PATH, stopped), /stop/);
  }
});

Deno.test("switchTo sets the profile and syncs its folder, and fails with Nix's last error", async () => {
  const fine = nixThat([{}]);
  await fine.nix.switchTo(PATH);
  assert.equal(fine.commands[0]?.program, "nix-env");
  assert.deepEqual(fine.commands[0]?.args, ["--profile", PROFILE, "--set", PATH]);
  assert.deepEqual(fine.touched, [`sync ${FOLDER}`], "the root stays until the deployment is settled");
  const { nix } = nixThat([{ status: 1, prints: ["warning: x", "error: read-only file system"] }]);
  await assert.rejects(nix.switchTo(PATH), {
    code: "switch-failed",
    why: "Nix says: error: read-only file system",
  });
  await assert.rejects(nixThat([{ throws: new Deno.errors.NotFound() }]).nix.switchTo(PATH), {
    code: "switch-failed",
  });
});

Deno.test("switchTo makes no generation where the profile points at the path already", async () => {
  const links = { [PROFILE]: "web-4-link", [`${PROFILE}-4-link`]: PATH };
  const same = nixThat([], { links });
  await same.nix.switchTo(PATH);
  assert.deepEqual([same.commands.length, same.touched], [0, [`sync ${FOLDER}`]]);
  const other = nixThat([{}], { links });
  await other.nix.switchTo(OTHER);
  assert.equal(other.commands.length, 1);
});

Deno.test("release removes the roots", async () => {
  const { nix, touched } = nixThat([]);
  await nix.release();
  assert.deepEqual(touched, [`remove ${ROOT}`, `remove ${ROOT.replace("hail-root", "hail-back-root")}`]);
});
