import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import type { FileRead } from "../netrc/secret_file.ts";
import type { Event } from "../report/event.ts";
import { readSecret } from "./secret.ts";

async function read(found: FileRead) {
  const events: Event[] = [];
  const ports = { read: () => Promise.resolve(found), report: (event: Event) => events.push(event) };
  return { secret: await readSecret("/etc/hail/wake-secret", ports), events };
}

const file = (text: string, mode = 0o600): FileRead => ({ outcome: "read", text, mode });

Deno.test("wake secret: the first line, without blanks around it", async () => {
  for (const text of ["0123456789abcdef", "0123456789abcdef\n", " 0123456789abcdef\t\r\nmore\n"]) {
    assert.deepEqual(await read(file(text)), { secret: "0123456789abcdef", events: [] });
  }
});

Deno.test("wake secret: a file that others can read is used, with a warning", async () => {
  for (const mode of [0o640, 0o604]) {
    const { secret, events } = await read(file("0123456789abcdef", mode));
    assert.equal(secret, "0123456789abcdef");
    assert.deepEqual(events.map(({ name, level }) => [name, level]), [["wake-secret-readable", "warning"]]);
    assert.ok(!JSON.stringify(events).includes(secret));
  }
});

Deno.test("wake secret: what cannot be used is refused, and never shown", async () => {
  const rows: [found: FileRead, why: RegExp][] = [
    [{ outcome: "missing" }, /does not exist/],
    [{ outcome: "unusable", why: "it is a folder" }, /it is a folder/],
    [file(""), /fewer than 16/],
    [file("\n0123456789abcdef"), /fewer than 16/],
    [file("0123456789abcde\n"), /fewer than 16/],
    [file("0123456789abcdef 0123456789abcdef"), /blanks/],
    [file("0123456789abcd\u00e9f"), /ASCII/],
  ];
  for (const [found, why] of rows) {
    await assert.rejects(read(found), (error) => {
      assert.ok(error instanceof Failure && error.code === "usage");
      assert.match(error.message, why);
      assert.ok(!`${error.message} ${error.next}`.includes("0123456789"));
      return true;
    });
  }
});
