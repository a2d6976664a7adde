import assert from "node:assert/strict";
import { LINES_LIMIT } from "../process/lines.ts";
import type { Command } from "../process/run_command.ts";
import { createPreview } from "./preview.ts";
import type { StorePath } from "./store_path.ts";

const NEVER = new AbortController().signal;
const MIB = 1024 * 1024;

// Names and sizes as Nix prints them, the columns included.
const OLD = "/nix/store/vyq1knv3h12lza95ka3zw5x1vjkbnax1-web-1.0" as StorePath;
const NEW = "/nix/store/fhk4fmz5rf3rxgpyxscr10sshjg847nd-web-2.0" as StorePath;
const LIBRARY = "/nix/store/mf06wcn3viwq997gxm6lhkrfwhpzwlwm-openssl-3.0.12";
const LIBRARY_NEW = "/nix/store/2azs0s6kv0nnidffc0whcrj69gif38if-openssl-3.0.13";
const ZLIB = "/nix/store/g97bfllqcig21gqvfgcwb235i32gbsxg-zlib-1.3";
const SIZES: Readonly<Record<string, number>> = {
  [OLD]: 944,
  [NEW]: 944,
  [LIBRARY]: 6_000_000,
  [LIBRARY_NEW]: 6_500_000,
  [ZLIB]: 100_000,
};
const line = (path: string) => `${path.padEnd(60)}\t${String(SIZES[path]).padStart(11)}`;

interface Answer {
  readonly out?: readonly string[];
  readonly err?: readonly string[];
  readonly status?: number;
}

const DRY = {
  err: [
    "these 2 paths will be fetched (2.00 MiB download, 10.00 MiB unpacked):",
    `  ${LIBRARY_NEW}`,
    `  ${NEW}`,
  ],
};
const CONFIG = { out: ["sandbox = true", "substituters = http://one http://two"] };
const CLOSURE = { out: [OLD, LIBRARY, ZLIB].map(line) };

/** Asks a Nix whose commands answer in turn. */
async function ask(
  answers: readonly Answer[],
  { current = OLD as StorePath | null, free = 1000 * MIB } = {},
) {
  const commands: Command[] = [];
  const left = [...answers];
  const preview = createPreview({
    storeFolder: "/nix/store",
    freeSpace: () => free,
    run(command) {
      commands.push(command);
      const { out = [], err = [], status = 0 } = left.shift() ?? { status: 1 };
      for (const text of out) command.onLine?.(text, "stdout");
      for (const text of err) command.onLine?.(text, "stderr");
      return Promise.resolve({ status, signal: null, ended: null, output: [...out, ...err] });
    },
  });
  return { found: await preview({ current, wanted: NEW }, NEVER), commands };
}

Deno.test("preview: what would be fetched, what is free, and what changes", async () => {
  const whole = { out: [NEW, LIBRARY_NEW, ZLIB].map(line) };
  const { found, commands } = await ask([DRY, CLOSURE, CONFIG, whole]);
  assert.deepEqual(found, {
    pathsToFetch: 2,
    downloadBytes: 2 * MIB,
    unpackedBytes: 10 * MIB,
    freeBytes: 1000 * MIB,
    neededBytes: 27 * MIB,
    enough: true,
    difference: {
      added: [],
      removed: [],
      changed: [
        { name: "openssl", from: ["3.0.12"], to: ["3.0.13"], sizeBefore: 6_000_000, sizeAfter: 6_500_000 },
        { name: "web", from: ["1.0"], to: ["2.0"], sizeBefore: 944, sizeAfter: 944 },
      ],
      sizeBefore: 6_100_944,
      sizeAfter: 6_600_944,
    },
    note: null,
  });
  assert.deepEqual(commands.map(({ env }) => env?.["NIX_REMOTE"]), [
    undefined,
    undefined,
    undefined,
    "http://one",
  ]);
  assert.ok(commands.every(({ args }) => !args.includes("--realise") || args.includes("--dry-run")));
  assert.ok(commands.every(({ timeLimit }) => timeLimit <= 60_000));
  assert.equal((await ask([DRY, CLOSURE, CONFIG, whole], { free: 26 * MIB })).found.enough, false);
});

Deno.test("preview: a second substituter is asked where the first one has not all", async () => {
  const part = { status: 1, err: [`error: path '${ZLIB}' is not valid`] };
  const whole = { out: [NEW, LIBRARY_NEW, ZLIB].map(line) };
  const { found, commands } = await ask([DRY, CLOSURE, CONFIG, part, whole]);
  assert.equal(found.note, null);
  assert.equal(commands.at(-1)?.env?.["NIX_REMOTE"], "http://two");
});

Deno.test("preview: where each substituter has a part, what goes away is not told", async () => {
  const part = { status: 1, err: [`error: path '${ZLIB}' is not valid`] };
  const { found, commands } = await ask([
    DRY,
    CLOSURE,
    CONFIG,
    part,
    part,
    {
      status: 1,
      err: [
        "don't know how to build these paths:",
        `  ${LIBRARY_NEW}`,
        `error: path '${LIBRARY_NEW}' is not valid`,
      ],
    },
    { out: [line(NEW)] },
    { out: [line(LIBRARY_NEW)] },
  ]);
  assert.deepEqual(found.difference?.changed.map(({ name }) => name), ["openssl", "web"]);
  assert.deepEqual(found.difference?.removed, []);
  assert.deepEqual([found.difference?.sizeBefore, found.difference?.sizeAfter], [6_100_944, null]);
  assert.match(found.note ?? "", /packages that go away cannot be told/);
  assert.deepEqual(commands.slice(-3).map(({ args }) => args.filter((arg) => arg.startsWith("/"))), [
    [LIBRARY_NEW, NEW],
    [NEW],
    [LIBRARY_NEW],
  ]);
});

Deno.test("preview: nothing to fetch is asked of no substituter", async () => {
  const { found, commands } = await ask([{}, CLOSURE, CLOSURE]);
  assert.deepEqual([found.pathsToFetch, found.neededBytes, found.enough, found.note], [0, 0, true, null]);
  assert.equal(commands.length, 3);
  const first = await ask([{}, { out: [line(NEW)] }], { current: null });
  assert.deepEqual(first.found.difference?.added.map(({ name }) => name), ["web"]);
});

Deno.test("preview: what cannot be known is null, with a note", async () => {
  const failed = (await ask([{ status: 1 }])).found;
  assert.deepEqual([failed.unpackedBytes, failed.enough, failed.difference], [null, null, null]);
  assert.match(failed.note ?? "", /ended with status 1/);
  const missing = (await ask([{ err: ["don't know how to build these paths:", `  ${NEW}`] }])).found;
  assert.match(missing.note ?? "", /no substituter has .*web-2\.0/);
  const current = (await ask([DRY, { status: 1 }])).found;
  assert.deepEqual([current.enough, current.difference], [true, null]);
  assert.match(current.note ?? "", /present version/);
});

Deno.test("preview: a closure that is too large to be read is not compared", async () => {
  const many = Array.from({ length: LINES_LIMIT + 1 }, () => line(ZLIB));
  const { found } = await ask([DRY, { out: many }]);
  assert.deepEqual([found.pathsToFetch, found.difference], [2, null]);
});

Deno.test("preview: an abort is passed on", async () => {
  const preview = createPreview({
    storeFolder: "/nix/store",
    freeSpace: () => null,
    run: () => Promise.reject(new Error("not started")),
  });
  const stop = AbortSignal.abort(new Error("stop"));
  await assert.rejects(preview({ current: null, wanted: NEW }, stop), /stop/);
});
