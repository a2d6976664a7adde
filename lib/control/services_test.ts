import assert from "node:assert/strict";
import { answer, asking, never, PROFILE, serve, talk } from "../../tests/support/control.ts";
import type { OperatorRequest } from "../deployment/operator.ts";
import { Failure } from "../failure/failure.ts";
import { systemClock } from "../time/system_clock.ts";
import { ask, findPresence } from "./client.ts";
import { LINE_LIMIT } from "./protocol.ts";
import { readLines } from "./read_lines.ts";

Deno.test("control: a ping finds a hail that answers, and asks nothing of it", async () => {
  await using served = await serve(never);
  assert.equal(await findPresence(served.path, null, systemClock), "answers");
});

Deno.test("control: a ping is answered when the hail has written down what it knows", async () => {
  const pings: (string | null)[] = [];
  const written = Promise.withResolvers<void>();
  await using served = await serve(never, {
    ping: (profile) => {
      pings.push(profile);
      return written.promise;
    },
  });
  let answered = false;
  const ping = findPresence(served.path, PROFILE, systemClock).finally(() => answered = true);
  while (pings.length === 0) await systemClock.sleep(1);
  assert.equal(answered, false);
  written.resolve();
  assert.equal(await ping, "answers");
  assert.equal(await findPresence(served.path, null, systemClock), "answers");
  assert.deepEqual(pings, [PROFILE, null]);
});

Deno.test("control: a ping that fails is that of a hail that is there, and the fault is in its log", async () => {
  await using served = await serve(never, { ping: () => Promise.reject(new Error("s3cret")) });
  assert.equal(await findPresence(served.path, PROFILE, systemClock), "answers");
  assert.match(served.events[0]?.message ?? "", /s3cret/);
});

/** A hail that keeps other services. */
function elsewhere(): Failure {
  return new Failure("unknown-service", {
    what: PROFILE,
    why: "it is not kept here",
    next: "Look elsewhere.",
  });
}

Deno.test("control: an agent that does not keep the service is as one that is not there", async () => {
  await using served = await serve(() => Promise.reject(elsewhere()), {
    ping: (profile) => {
      if (profile !== null) throw elsewhere();
    },
  });
  assert.equal(await asking(served.path), null);
  assert.equal(await findPresence(served.path, PROFILE, systemClock), "absent");
  assert.equal(await findPresence(served.path, null, systemClock), "answers");
});

Deno.test("control: the socket of the service is asked first, then that of an agent", async () => {
  const options = { onProgress: () => {}, clock: systemClock };
  const request: OperatorRequest = { command: "poll", pastGates: true };
  await using own = await serve(() => answer("own"));
  await using agent = await serve((asked, profile) => {
    assert.deepEqual([asked, profile], [request, PROFILE]);
    return answer("agent");
  });
  await using other = await serve(() => Promise.reject(elsewhere()));
  const from = async (...sockets: readonly string[]) =>
    (await ask({ sockets, profile: PROFILE }, request, options))?.message ?? null;
  assert.equal(await from(own.path, agent.path), "own");
  assert.equal(await from(`${own.path}.none`, agent.path), "agent");
  assert.equal(await from(other.path, agent.path), "agent");
  assert.equal(await from(`${own.path}.none`, other.path), null);
  await own.server.close();
  assert.equal(await from(own.path, agent.path), "agent");
});

Deno.test("control: a caller of hail 0.3, which names no service, is served", async () => {
  const profiles: (string | null)[] = [];
  await using served = await serve((_request, profile) => {
    profiles.push(profile);
    return answer("done");
  });
  assert.deepEqual(await talk(served.path, '{"version":1,"command":"pause","reason":null,"until":null}\n'), [
    '{"done":{"message":"done"}}',
  ]);
  assert.deepEqual(profiles, [null]);
});

Deno.test("control: a hail 0.3, which reads no profile, is asked as before", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s`;
  using listener = Deno.listen({ transport: "unix", path });
  const asked = asking(path, { command: "pause", reason: "holidays", until: null });
  using connection = await listener.accept();
  const { value = "" } = await readLines(connection, LINE_LIMIT).next();
  // The members that it reads are as they were; it passes over the others.
  const { profile, ...rest } = JSON.parse(value);
  assert.deepEqual(rest, { version: 1, command: "pause", reason: "holidays", until: null });
  assert.equal(profile, PROFILE);
  await connection.write(new TextEncoder().encode('{"done":{"message":"done"}}\n'));
  assert.deepEqual(await asked, { message: "done" });
  await Deno.remove(folder, { recursive: true });
});
