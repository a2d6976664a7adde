import assert from "node:assert/strict";
import fc from "fast-check";
import type { Event } from "../report/event.ts";
import { connectServiceManager, STATUS_LIMIT, statusLine } from "./notify.ts";
import { noServiceManager } from "./service_manager.ts";

const environment = (socket?: string) => ({
  get: (name: string) => name === "NOTIFY_SOCKET" ? socket : undefined,
});

Deno.test("notify: without NOTIFY_SOCKET nothing is opened, sent or reported", async () => {
  const open = () => Promise.reject(new Error("must not be called"));
  const manager = await connectServiceManager(environment(), () => assert.fail("nothing to report"), open);
  assert.equal(manager, noServiceManager);
  await manager.ready();
  manager.close();
});

Deno.test("notify: a real datagram socket gets every message, and the sender leaves no file behind", async () => {
  const folder = await Deno.makeTempDir();
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", folder);
  const receiver = Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/notify` });
  try {
    const events: Event[] = [];
    const manager = await connectServiceManager(
      environment(`${folder}/notify`),
      (event) => events.push(event),
      undefined,
      () => 4_000_000,
    );
    assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["notify"]);
    const received: string[] = [];
    const say = async (message: Promise<void>) => {
      await message;
      received.push(new TextDecoder().decode((await receiver.receive())[0]));
    };
    await say(manager.ready());
    await say(manager.status("polls\nWATCHDOG=1"));
    await say(manager.watchdog());
    await say(manager.reloading());
    await say(manager.extendTimeout(90_000));
    await say(manager.stopping());
    manager.close();
    manager.close();
    await manager.status("said after the end");
    assert.deepEqual(received, [
      "READY=1",
      "STATUS=polls WATCHDOG=1",
      "WATCHDOG=1",
      "RELOADING=1\nMONOTONIC_USEC=4000000000000",
      "EXTEND_TIMEOUT_USEC=90000000",
      "STOPPING=1",
    ]);
    assert.deepEqual(events, []);
  } finally {
    receiver.close();
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("notify: messages that are sent at the same time all arrive, in order", async () => {
  const folder = await Deno.makeTempDir();
  const receiver = Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/notify` });
  try {
    const manager = await connectServiceManager(
      environment(`${folder}/notify`),
      (event) => assert.fail(event.message),
    );
    const texts = Array.from({ length: 8 }, (_, index) => `stage ${index}`);
    const sent = Promise.all([manager.ready(), ...texts.map((text) => manager.status(text))]);
    const received: string[] = [];
    while (received.length < 9) received.push(new TextDecoder().decode((await receiver.receive())[0]));
    await sent;
    assert.deepEqual(received, ["READY=1", ...texts.map((text) => `STATUS=${text}`)]);
    manager.close();
  } finally {
    receiver.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("notify: a socket that nobody listens on is one warning, however often it is tried", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const events: Event[] = [];
    const manager = await connectServiceManager(
      environment(`${folder}/nobody`),
      (event) => events.push(event),
    );
    await manager.ready();
    await manager.status("polls");
    manager.close();
    assert.deepEqual(events.map((event) => [event.name, event.level]), [["notify", "warning"]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("notify: an abstract socket is addressed by a leading zero byte", async () => {
  const sent: [string, string][] = [];
  const open = () =>
    Promise.resolve({
      send: (datagram: Uint8Array, to: string) => {
        sent.push([new TextDecoder().decode(datagram), to]);
        return Promise.resolve();
      },
      close: () => {},
    });
  const manager = await connectServiceManager(
    environment("@a@b"),
    () => assert.fail("nothing to report"),
    open,
  );
  await manager.ready();
  assert.deepEqual(sent, [["READY=1", "\0a@b"]]);
});

/** What a manager sends, and what is reported, where the host's uptime is `uptime`. */
async function reload(uptime?: () => number): Promise<{ sent: string[]; events: Event[] }> {
  const sent: string[] = [];
  const events: Event[] = [];
  const open = () =>
    Promise.resolve({
      send: (datagram: Uint8Array) => {
        sent.push(new TextDecoder().decode(datagram));
        return Promise.resolve();
      },
      close: () => {},
    });
  const report = (event: Event) => void events.push(event);
  const manager = await connectServiceManager(environment("/run/notify"), report, open, uptime);
  await manager.reloading();
  await manager.ready();
  return { sent, events };
}

Deno.test("notify: a reload has a time that is not behind the host's monotonic clock", async () => {
  // This clock counts from the boot as CLOCK_MONOTONIC does, and a suspended host makes it run ahead.
  const before = Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]);
  const { sent, events } = await reload();
  const microseconds = /^RELOADING=1\nMONOTONIC_USEC=([0-9]+)$/.exec(sent[0] ?? "")?.[1];
  assert.ok(Number(microseconds) >= before * 1e6, sent[0]);
  assert.ok(Number(microseconds) < (before + 10) * 1e6, sent[0]);
  assert.deepEqual(sent.slice(1), ["READY=1"]);
  assert.deepEqual(events, []);
});

Deno.test("notify: a reload is told without a time where there is none, with a warning", async () => {
  const { sent, events } = await reload(() => {
    throw new Deno.errors.NotCapable("osUptime");
  });
  assert.deepEqual(sent, ["RELOADING=1", "READY=1"]);
  assert.deepEqual(events.map((event) => [event.name, event.level]), [["notify", "warning"]]);
});

Deno.test("notify: an abstract socket that cannot be reached is a warning in both versions of Deno", async () => {
  const events: Event[] = [];
  const manager = await connectServiceManager(
    environment("@hail/test/nobody"),
    (event) => events.push(event),
  );
  await manager.ready();
  await manager.ready();
  manager.close();
  assert.equal(events.length, 1);
  assert.match(events[0]?.message ?? "", /^systemd cannot be told/);
});

Deno.test("notify: an address that is neither a path nor abstract is a warning, and nothing is opened", async () => {
  for (const address of ["vsock:2:1", "relative", "/", "@"]) {
    const events: Event[] = [];
    const open = () => Promise.reject(new Error("must not be called"));
    assert.equal(
      await connectServiceManager(environment(address), (event) => events.push(event), open),
      noServiceManager,
    );
    assert.match(events[0]?.message ?? "", /NOTIFY_SOCKET names neither/);
  }
});

Deno.test("notify: no temporary folder is a warning, not an end", async () => {
  const events: Event[] = [];
  const open = () => Promise.reject(new Deno.errors.NotFound("No such file or directory"));
  const manager = await connectServiceManager(environment("/run/x"), (event) => events.push(event), open);
  assert.equal(manager, noServiceManager);
  assert.equal(events.length, 1);
});

for (const [what, path] of [["is missing", "nonexistent"], ["is too long for a socket", "x".repeat(120)]]) {
  Deno.test(`notify: a temporary folder that ${what} does not keep READY=1 from systemd`, async () => {
    const folder = await Deno.makeTempDir();
    const before = Deno.env.get("TMPDIR");
    const receiver = Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/notify` });
    try {
      if (path !== "nonexistent") await Deno.mkdir(`${folder}/${path}`);
      Deno.env.set("TMPDIR", `${folder}/${path}`);
      const events: Event[] = [];
      const manager = await connectServiceManager(
        environment(`${folder}/notify`),
        (event) => events.push(event),
      );
      assert.deepEqual(events, []);
      await manager.ready();
      manager.close();
      assert.equal(new TextDecoder().decode((await receiver.receive())[0]), "READY=1");
      for (const place of [`${folder}/${path}`, "/run", "/dev/shm"]) {
        const left = await Array.fromAsync(Deno.readDir(place)).catch(() => []);
        assert.deepEqual(left.filter(({ name }) => name.startsWith("hail-notify-")), [], place);
      }
    } finally {
      receiver.close();
      if (before === undefined) Deno.env.delete("TMPDIR");
      else Deno.env.set("TMPDIR", before);
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("notify: a status is always one line within the limit, and a short clean one is kept", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 1500 }), (text) => {
    const line = statusLine(text);
    assert.ok(new TextEncoder().encode(line).length <= STATUS_LIMIT);
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f]/);
    assert.equal(statusLine(line.trim()), line.trim());
  }));
  assert.equal(statusLine("waits for build 42"), "waits for build 42");
});

Deno.test("notify: a status is cut between characters", () => {
  assert.equal(statusLine("x" + "\u20ac".repeat(400)), "x" + "\u20ac".repeat(170));
});
