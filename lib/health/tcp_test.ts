import assert from "node:assert/strict";
import { tryToConnect } from "./tcp.ts";

const NEVER = new AbortController().signal;

Deno.test("tcp: a port that listens passes, and the connection is closed again", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [accepted, result] = await Promise.all([
    listener.accept(),
    tryToConnect({ host: "127.0.0.1", port }, NEVER),
  ]);
  assert.equal(result, null);
  assert.equal(await accepted.read(new Uint8Array(1)), null);
  accepted.close();
});

Deno.test("tcp: an address of IPv6 is written without brackets", async (test) => {
  let listener: Deno.Listener;
  try {
    listener = Deno.listen({ hostname: "::1", port: 0 });
  } catch {
    // A host without IPv6: what is asked for is then at least what was meant.
    const asked: string[] = [];
    await tryToConnect({ host: "::1", port: 1 }, NEVER, ({ hostname }) => {
      asked.push(hostname);
      return Promise.reject(new Error("no IPv6"));
    });
    assert.deepEqual(asked, ["::1"], test.name);
    return;
  }
  const { port } = listener.addr as Deno.NetAddr;
  assert.equal(await tryToConnect({ host: "::1", port }, NEVER), null);
  listener.close();
});

Deno.test("tcp: a port that nobody listens on fails", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  assert.equal(await tryToConnect({ host: "127.0.0.1", port }, NEVER), "the connection was refused");
});

Deno.test("tcp: what cannot be connected to for another reason says it", async () => {
  const why = await tryToConnect(
    { host: "h", port: 1 },
    NEVER,
    () => Promise.reject(new Error("No route to host (os error 113)")),
  );
  assert.equal(why, "no connection can be made: No route to host");
});

Deno.test("tcp: it can be given up, and a connection that is made after that is closed", async () => {
  const stop = new AbortController();
  let make = (_: { close(): void }) => {};
  let closed = false;
  const trying = tryToConnect(
    { host: "h", port: 1 },
    stop.signal,
    () => new Promise((resolve) => make = resolve),
  );
  stop.abort();
  assert.equal(await trying, "it was given up");
  make({ close: () => closed = true });
  await Promise.resolve();
  assert.equal(closed, true);
});
