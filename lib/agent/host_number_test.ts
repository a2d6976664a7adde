import assert from "node:assert/strict";
import type { FileRead } from "../netrc/secret_file.ts";
import type { Event } from "../report/event.ts";
import { HostNumbers } from "./host_number.ts";

/** Files, and what is said of them. */
function world(files: Record<string, string | FileRead>) {
  const events: Event[] = [];
  const numbers = new HostNumbers((path): Promise<FileRead> => {
    const file = files[path];
    if (file === undefined) return Promise.resolve({ outcome: "missing" });
    return Promise.resolve(typeof file === "string" ? { outcome: "read", text: file, mode: 0o644 } : file);
  });
  return { files, events, read: (file?: string) => numbers.read(file, (event) => events.push(event)) };
}

Deno.test("host number: it is what stands in the file, the usual one where none is named", async () => {
  const { read, events } = world({ "/etc/hail/host-number": "17\n", "/n": " 0" });
  assert.equal(await read(), 17);
  assert.equal(await read("/n"), 0);
  assert.deepEqual(events, []);
});

Deno.test("host number: the usual file need not be there, one that is named must be", async () => {
  const { read, events } = world({});
  assert.equal(await read(), null);
  assert.equal(events.length, 0);
  assert.equal(await read("/n"), null);
  assert.equal(
    events[0]?.message,
    "/n: there is no such file. This host polls at a moment that its machine id chooses.",
  );
});

Deno.test("host number: a file that cannot be used is told", async () => {
  const texts = ["", "-1", "1.5", "web17", "1 2", "9999999999", "0x10", "١"];
  const odd: FileRead = { outcome: "unusable", why: "it is a folder" };
  for (const file of [...texts, odd]) {
    const { read, events } = world({ "/n": file });
    assert.equal(await read("/n"), null);
    assert.deepEqual(events.map(({ name, level }) => [name, level]), [["host-number", "warning"]]);
    assert.match(
      events[0]?.message ?? "",
      file === odd ? /^\/n: it is a folder\. / : /^\/n: it holds no whole number/,
    );
  }
});

Deno.test("host number: a file is read once, so that all services of a host have the same number", async () => {
  const { read, events, files } = world({ "/n": "17", "/bad": "no" });
  assert.deepEqual(await Promise.all([read("/n"), read("/n"), read("/bad"), read("/bad")]), [
    17,
    17,
    null,
    null,
  ]);
  files["/n"] = "18";
  files["/bad"] = "19";
  assert.deepEqual([await read("/n"), await read("/bad")], [17, null]);
  assert.equal(events.length, 1);
});
