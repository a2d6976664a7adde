import assert from "node:assert/strict";
import { answer, asking, failure, never, PROFILE, serve, talk } from "../../tests/support/control.ts";
import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import { Failure } from "../failure/failure.ts";
import { systemClock } from "../time/system_clock.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { ask, findPresence } from "./client.ts";
import { LINE_LIMIT } from "./protocol.ts";
import { ALIVE_PERIOD, CONNECTION_LIMIT, REQUEST_LIMIT } from "./server.ts";

/** Leaves a socket behind on which nobody listens, as a process does that is killed. */
function leaveSocket(path: string) {
  const listener = Deno.listen({ transport: "unix", path: `${path}.new` });
  // Deno would remove it under its first name.
  Deno.renameSync(`${path}.new`, path);
  listener.close();
}

Deno.test("control: a request is done, with its progress told on the way", async () => {
  const asked: [OperatorRequest, string | null][] = [];
  await using served = await serve((request, profile, progress) => {
    asked.push([request, profile]);
    progress("rolling back to build 11");
    progress("activating it");
    return answer("the profile is now at build 11");
  });
  const progress: string[] = [];
  const request: OperatorRequest = { command: "rollback", to: null };
  assert.deepEqual(await asking(served.path, request, progress), {
    message: "the profile is now at build 11",
  });
  assert.deepEqual(progress, ["rolling back to build 11", "activating it"]);
  assert.deepEqual(asked, [[request, PROFILE]]);
});

Deno.test("control: a failure comes over as it is, and is not logged as a fault", async () => {
  await using served = await serve(() =>
    Promise.reject(new Failure("held", { what: "web", why: "it is held", next: "Say `hail resume`." }))
  );
  await assert.rejects(asking(served.path), failure("held", /^web: it is held$/));
  assert.deepEqual(served.events, []);
});

Deno.test("control: what nobody foresaw is logged, and the caller is told where to look", async () => {
  await using served = await serve(() => Promise.reject(new Error("s3cret")));
  await assert.rejects(
    asking(served.path),
    (error) => failure("internal", /fault of its own/)(error) && !/s3cret/.test(String(error)),
  );
  assert.match(served.events[0]?.message ?? "", /s3cret/);
});

Deno.test("control: where nobody listens there is no answer", async () => {
  const folder = await Deno.makeTempDir();
  assert.equal(await asking(`${folder}/none`), null);
  assert.equal(await asking(`${folder}/no/folder/s`), null);
  assert.equal(await asking(`${folder}/${"long".repeat(40)}`), null);
  leaveSocket(`${folder}/stale`);
  assert.equal(await asking(`${folder}/stale`), null);
  assert.equal(await findPresence(`${folder}/stale`, null, systemClock), "absent");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("control: a socket that a killed hail has left is replaced, and goes with the server", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s`;
  leaveSocket(path);
  assert.ok(Deno.lstatSync(path).isSocket);
  await using served = await serve(() => answer("done"), { path });
  assert.deepEqual(await asking(path), { message: "done" });
  assert.deepEqual(served.events, []);
  await served.server.close();
  assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound);
  await Deno.remove(folder, { recursive: true });
});

for (
  const [what, make] of [
    ["a file", (path: string) => Deno.writeTextFile(path, "precious")],
    ["a link", (path: string) => Deno.symlink("/etc/passwd", path)],
    ["a folder", (path: string) => Deno.mkdir(path)],
  ] as const
) {
  Deno.test(`control: ${what} in the place of the socket stays, and hail works without`, async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/s`;
    await make(path);
    const before = await Deno.lstat(path);
    await using served = await serve(never, { path });
    assert.deepEqual(served.events.map(({ name, level }) => [name, level]), [["control", "warning"]]);
    assert.match(served.events[0]?.message ?? "", /cannot reach this hail: .*something other than a socket/);
    assert.equal((await Deno.lstat(path)).ino, before.ino);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("control: where no socket can be made, hail works without and says so", async () => {
  await using served = await serve(never, { path: "/nonexistent/folder/s" });
  assert.deepEqual(served.events.map(({ name, level }) => [name, level]), [["control", "warning"]]);
});

Deno.test("control: only the owner may ask, and the group where there is one", async () => {
  const mode = (path: string) => (Deno.lstatSync(path).mode ?? 0) & 0o777;
  await using alone = await serve(never);
  assert.equal(mode(alone.path), 0o600);
  const gid = Deno.gid();
  await using together = await serve(never, { gid });
  assert.equal(mode(together.path), 0o660);
  assert.equal(Deno.lstatSync(together.path).gid, gid);
});

Deno.test("control: nothing is left beside the socket, whatever an earlier start has left", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/s.new`);
  leaveSocket(`${folder}/s.new/s`);
  await using served = await serve(() => answer("done"), { path: `${folder}/s` });
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["s"]);
  assert.deepEqual(await asking(served.path), { message: "done" });
  assert.deepEqual(served.events, []);
  await served.server.close();
  assert.deepEqual([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder, { recursive: true });
});

for (
  const [what, text] of [
    ["garbage", "\u0000\u0001\u0002 hello\n"],
    ["HTTP", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"],
    ["JSON that is no request", '{"version":1,"command":"explode"}\n'],
    ["a request of another version", '{"version":7,"command":"poll"}\n'],
    ["half a request", '{"version":1,"comm'],
  ] as const
) {
  Deno.test(`control: a caller that sends ${what} is told so`, async () => {
    await using served = await serve(never);
    const [line = "", ...rest] = await talk(served.path, text, { half: true });
    assert.equal(JSON.parse(line).failure.code, "usage");
    assert.deepEqual(rest, []);
    assert.deepEqual(served.events, []);
  });
}

Deno.test("control: a caller that sends a line without an end is told so and left", async () => {
  await using served = await serve(never);
  const [line = ""] = await talk(served.path, "x".repeat(2 * LINE_LIMIT));
  assert.match(JSON.parse(line).failure.message, /longer than 65536 bytes/);
});

Deno.test("control: a caller that sends nothing is left after a while", async () => {
  const clock = new VirtualClock();
  await using served = await serve(never, { clock });
  const talking = talk(served.path, null);
  while (clock.sleeps.length === 0) await systemClock.sleep(1);
  assert.deepEqual(clock.sleeps, [REQUEST_LIMIT]);
  await clock.advance(REQUEST_LIMIT);
  assert.deepEqual(await talking, []);
});

Deno.test("control: a caller that has said all it has to say is answered", async () => {
  await using served = await serve(() => answer("done"));
  const request = '{"version":1,"command":"poll"}';
  assert.deepEqual(await talk(served.path, request, { half: true }), ['{"done":{"message":"done"}}']);
});

Deno.test("control: only so many are served at once, the others are told to come again", async () => {
  const release = Promise.withResolvers<OperatorAnswer>();
  await using served = await serve(() => release.promise);
  const answers = Array.from({ length: 100 }, () => asking(served.path).catch((error: unknown) => error));
  let refused = 0;
  const settled = answers.map((one) => one.then((result) => refused += result instanceof Failure ? 1 : 0));
  while (refused < 100 - CONNECTION_LIMIT) await systemClock.sleep(1);
  release.resolve({ message: "done" });
  await Promise.all(settled);
  const results = await Promise.all(answers);
  assert.equal(results.filter((result) => !(result instanceof Failure)).length, CONNECTION_LIMIT);
  assert.ok(results.every((one) => !(one instanceof Failure) || /64 others/.test(one.message)));
  assert.deepEqual(await asking(served.path), { message: "done" });
});

Deno.test("control: what was asked for goes on when the caller goes, who is noticed to be gone", async () => {
  const clock = new VirtualClock();
  const begun = Promise.withResolvers<AbortSignal>();
  const finish = Promise.withResolvers<OperatorAnswer>();
  let finished = false;
  await using served = await serve(async (_request, _profile, _progress, signal) => {
    begun.resolve(signal);
    const result = await finish.promise;
    finished = true;
    return result;
  }, { clock });
  const connection = await Deno.connect({ transport: "unix", path: served.path });
  await connection.write(new TextEncoder().encode('{"version":1,"command":"rollback","to":null}\n'));
  const signal = await begun.promise;
  connection.close();
  assert.equal(signal.aborted, false);
  while (!signal.aborted) {
    await clock.advance(ALIVE_PERIOD);
    await systemClock.sleep(1);
  }
  assert.equal(finished, false);
  finish.resolve({ message: "done" });
  await finish.promise;
  await systemClock.sleep(1);
  assert.equal(finished, true);
  assert.deepEqual(served.events, []);
});

Deno.test("control: a caller that does not read does not hold up what it asked for", async () => {
  const clock = new VirtualClock();
  await using served = await serve((_request, _profile, progress) => {
    for (let line = 0; line < 10_000; line += 1) progress(`${line} ${"x".repeat(1_000)}`);
    return answer("done");
  }, { clock });
  using connection = await Deno.connect({ transport: "unix", path: served.path });
  await connection.write(new TextEncoder().encode('{"version":1,"command":"poll"}\n'));
  while (clock.sleeps.length === 0) await systemClock.sleep(1);
  // The server gives the caller up, and so can be closed.
  for (let step = 0; step < 5; step += 1) {
    await clock.advance(REQUEST_LIMIT);
    await systemClock.sleep(1);
  }
  assert.deepEqual(await asking(served.path).then((result) => result?.message), "done");
});

Deno.test("control: a hail that works for a long time says that it is at it", async () => {
  const clock = new VirtualClock();
  const finish = Promise.withResolvers<OperatorAnswer>();
  await using served = await serve(() => finish.promise, { clock });
  const talking = talk(served.path, '{"version":1,"command":"poll"}\n');
  while (!clock.sleeps.includes(ALIVE_PERIOD)) await systemClock.sleep(1);
  await clock.advance(ALIVE_PERIOD);
  finish.resolve({ message: "done" });
  assert.deepEqual(await talking, ['{"alive":true}', '{"done":{"message":"done"}}']);
});

Deno.test("control: a caller does not wait for ever for a hail that hangs", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s`;
  using _listener = Deno.listen({ transport: "unix", path });
  const clock = new VirtualClock();
  const asked = ask({ sockets: [path], profile: PROFILE }, { command: "poll" }, {
    onProgress: () => {},
    timeLimit: 5_000,
    clock,
  });
  asked.catch(() => {});
  while (clock.sleeps.length === 0) await systemClock.sleep(1);
  await clock.advance(5_000);
  await assert.rejects(asked, failure("internal", /said nothing for 5 s/));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("control: a caller that is told to stop waiting gets its own reason", async () => {
  const release = Promise.withResolvers<OperatorAnswer>();
  await using served = await serve(() => release.promise);
  const stop = new AbortController();
  const asked = ask({ sockets: [served.path], profile: PROFILE }, { command: "poll" }, {
    onProgress: () => {},
    signal: stop.signal,
    clock: systemClock,
  });
  const reason = new Error("enough");
  stop.abort(reason);
  await assert.rejects(asked, (error) => error === reason);
  release.resolve({ message: "done" });
});

Deno.test("control: a server that closes tells whoever still waits", async () => {
  const clock = new VirtualClock();
  const begun = Promise.withResolvers<AbortSignal>();
  await using served = await serve((_request, _profile, _progress, signal) => {
    begun.resolve(signal);
    return new Promise(() => {});
  }, { clock });
  const asked = asking(served.path);
  asked.catch(() => {});
  const signal = await begun.promise;
  const closed = served.server.close();
  assert.equal(signal.aborted, true);
  while (clock.sleeps.length === 0) await systemClock.sleep(1);
  await clock.advance(2_000);
  await closed;
  await assert.rejects(asked, failure("internal", /stopped before it was done/));
  assert.equal(await asking(served.path), null);
});

Deno.test("control: replies that a hail of another version sends are passed over", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s`;
  using listener = Deno.listen({ transport: "unix", path });
  const asked = asking(path);
  using connection = await listener.accept();
  await connection.write(
    new TextEncoder().encode('{"mood":"good"}\nhello\n{"done":{"message":"done","more":1}}\n'),
  );
  assert.deepEqual(await asked, { message: "done" });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("control: a hail that ends before it answers is a failure", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s`;
  using listener = Deno.listen({ transport: "unix", path });
  const asked = asking(path);
  asked.catch(() => {});
  (await listener.accept()).close();
  await assert.rejects(asked, failure("internal", /ended before it answered/));
  await Deno.remove(folder, { recursive: true });
});
