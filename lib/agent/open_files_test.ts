import assert from "node:assert/strict";
import type { Event } from "../report/event.ts";
import { checkOpenFiles, readLimit } from "./open_files.ts";

const LIMITS = [
  "Limit                     Soft Limit           Hard Limit           Units     ",
  "Max processes             95906                95906                processes ",
  "Max open files            1024                 524288               files     ",
];

async function warnings(services: number, output: readonly string[]): Promise<Event[]> {
  const events: Event[] = [];
  const exit = { status: 0, signal: null, ended: null, output };
  await checkOpenFiles(services, () => Promise.resolve(exit), (event) => events.push(event));
  return events;
}

Deno.test("open files: the soft limit is read, where there is one", () => {
  assert.equal(readLimit(LIMITS), 1024);
  assert.equal(
    readLimit(["Max open files            unlimited            unlimited            files"]),
    null,
  );
  assert.equal(readLimit([]), null);
});

Deno.test("open files: a limit that is too low for the services is warned of", async () => {
  assert.deepEqual(await warnings(724, LIMITS), []);
  const [warning, ...more] = await warnings(725, LIMITS);
  assert.equal(warning?.name, "open-files");
  assert.match(warning?.message ?? "", /725 services may need 1025 open files, and only 1024 are allowed/);
  assert.deepEqual(more, []);
  assert.deepEqual(await warnings(5_000, []), [], "what cannot be known is no warning");
  await checkOpenFiles(5_000, () => Promise.reject(new Error("no cat")), () => assert.fail());
});
