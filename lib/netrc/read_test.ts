import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import type { Event } from "../report/event.ts";
import type { Credentials } from "./lookup.ts";
import { readCredentials } from "./read.ts";
import type { FileRead } from "./secret_file.ts";

const GOOD = "machine h login l password S3CRET\n";

async function run(
  found: FileRead,
  { named = true, host = "h" } = {},
): Promise<{ result: Credentials | null | Failure; events: Event[] }> {
  const events: Event[] = [];
  const ports = { read: () => Promise.resolve(found), report: (event: Event) => void events.push(event) };
  try {
    return { result: await readCredentials({ file: "/etc/netrc", named, host, ports }), events };
  } catch (error) {
    assert(error instanceof Failure && error.code === "netrc-unusable", String(error));
    assert.equal(error.exitStatus, 2);
    assert.equal(error.what, "netrc file /etc/netrc");
    assert(!/S3CRET/.test([error.message, error.next, error.stack, String(error.cause)].join("\n")));
    return { result: error, events };
  }
}

const content = (text: string, mode = 0o600): FileRead => ({ outcome: "read", text, mode });

Deno.test("netrc file: credentials for the host are read, without a word about it", async () => {
  assert.deepEqual(await run(content(GOOD)), { result: { login: "l", password: "S3CRET" }, events: [] });
  assert.deepEqual(await run(content(GOOD), { host: "other" }), { result: null, events: [] });
});

Deno.test("netrc file: the file is read once, and up to 1 MiB", async () => {
  const calls: [path: string, maxBytes: number][] = [];
  const read = (path: string, maxBytes: number): Promise<FileRead> => {
    calls.push([path, maxBytes]);
    return Promise.resolve(content(GOOD));
  };
  await readCredentials({
    file: "/run/secrets/n",
    named: true,
    host: "h",
    ports: { read, report: () => {} },
  });
  assert.deepEqual(calls, [["/run/secrets/n", 1_048_576]]);
});

Deno.test("netrc file: a missing one is no credentials, unless it was named", async () => {
  assert.deepEqual(await run({ outcome: "missing" }, { named: false }), { result: null, events: [] });
  const { result } = await run({ outcome: "missing" });
  assert(result instanceof Failure);
  assert.match(result.why, /does not exist/);
  assert.match(result.next, /netrc-file/);
});

Deno.test("netrc file: one that cannot be read is a failure if it was named", async () => {
  const { result } = await run({ outcome: "unusable", why: "it is a folder" });
  assert(result instanceof Failure);
  assert.equal(result.message, "netrc file /etc/netrc: it is a folder");
});

Deno.test("netrc file: one that cannot be used and was not named is passed over, with a warning", async () => {
  for (const found of [{ outcome: "unusable", why: "may not be read" } as const, content("login l S3CRET")]) {
    const { result, events } = await run(found, { named: false });
    assert.equal(result, null);
    assert.deepEqual(events.map(({ name, level }) => ({ name, level })), [
      { name: "netrc-unusable", level: "warning" },
    ]);
    assert.match(events[0]?.message ?? "", /^netrc file \/etc\/netrc: .*goes on without credentials/);
    assert(!/S3CRET/.test(JSON.stringify(events)));
  }
});

Deno.test("netrc file: a malformed one is a failure with line and column and nothing of the file", async () => {
  const malformed = await run(content("machine h\n  login l pasword S3CRET"));
  assert(malformed.result instanceof Failure);
  assert.match(malformed.result.why, /^line 2, column 11: /);
  const { result } = await run(content('machine h login l password "S3CRET\\n"'));
  assert(result instanceof Failure);
  assert.match(result.why, /^line 1, column 28: the password has a control character/);
});

Deno.test("netrc file: one that group or others can read gets one warning and is used", async () => {
  for (const mode of [0o644, 0o640, 0o604, 0o4777]) {
    const { result, events } = await run(content(GOOD, mode));
    assert.deepEqual(result, { login: "l", password: "S3CRET" });
    const shown = mode.toString(8).padStart(4, "0");
    assert.deepEqual(events.map(({ name, level, fields }) => ({ name, level, fields })), [
      { name: "netrc-readable", level: "warning", fields: { file: "/etc/netrc", mode: shown } },
    ]);
    assert(events[0]?.message.includes("/etc/netrc"));
  }
  for (const mode of [0o600, 0o400, 0o700, 0o622]) {
    assert.deepEqual((await run(content(GOOD, mode))).events, [], mode.toString(8));
  }
});
