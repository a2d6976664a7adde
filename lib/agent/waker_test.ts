import assert from "node:assert/strict";
import { eventually } from "../../tests/support/command.ts";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Waker } from "./waker.ts";

const FIRST = "the-first-secret-of-all";
const SECOND = "the-second-secret-of-all";

/** Somebody else's listener, at a port that was free. */
function occupy(port = 0) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  return { port: listener.addr.port, free: () => listener.close() };
}

function freePort(): number {
  const { port, free } = occupy();
  free();
  return port;
}

class World implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "hail-waker-" });
  readonly secretFile = `${this.folder}/secret`;
  readonly clock = new VirtualClock();
  readonly events: Event[] = [];
  readonly woken: string[] = [];
  readonly waker = new Waker({
    wake: (service) => {
      this.woken.push(service);
      return "woken";
    },
    report: (event) => this.events.push(event),
    clock: this.clock,
    random: () => 0,
  });

  write(secret: string, mode = 0o600) {
    Deno.writeTextFileSync(this.secretFile, `${secret}\n`, { mode });
    Deno.chmodSync(this.secretFile, mode);
  }

  listen(port: number) {
    return this.waker.listen({ hostname: "127.0.0.1", port, secretFile: this.secretFile });
  }

  /** Asks for a wake-up; the status of the answer, or null if nobody listens. */
  async ask(port: number, secret: string): Promise<number | null> {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/wake/web`, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}` },
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return null;
    }
  }

  /** Lets time pass in steps, so that what is read and written meanwhile comes to its end. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Lets time pass until it listens for the so manieth time. */
  listens(times: number): Promise<void> {
    return eventually(`listening ${times} times`, async () => {
      await this.pass(1);
      return this.named("wake-listening").length === times;
    });
  }

  named(name: string): string[] {
    return this.events.filter((event) => event.name === name).map(({ message }) => message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.waker.listen(null);
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("a waker whose secret is not there says so once, and listens when it is", async () => {
  await using world = new World();
  const port = freePort();
  await world.listen(port);
  assert.match(
    world.named("wake-failed")[0] ?? "",
    /^nobody can wake hail over HTTP: .*does not exist.*tried again$/,
  );
  await world.pass(20);
  assert.equal(await world.ask(port, FIRST), null);
  assert.equal(world.named("wake-failed").length, 1);
  world.write(FIRST, 0o644);
  await world.listens(1);
  assert.equal(await world.ask(port, FIRST), 202);
  assert.deepEqual(world.woken, ["web"]);
  assert.equal(world.named("wake-secret-readable").length, 1);
});

Deno.test("a waker whose new secret cannot be used keeps the old one until it can", async () => {
  await using world = new World();
  const port = freePort();
  world.write(FIRST);
  await world.listen(port);
  world.write("short");
  await world.listen(port);
  assert.match(
    world.named("wake-failed")[0] ?? "",
    /^hail is still woken over HTTP as before .*fewer than 16/,
  );
  assert.equal(await world.ask(port, FIRST), 202);
  await world.pass(10);
  assert.equal(world.named("wake-failed").length, 1);
  world.write(SECOND);
  await world.listens(2);
  assert.equal(await world.ask(port, FIRST), 401);
  assert.equal(await world.ask(port, SECOND), 202);
});

Deno.test("a waker whose address is taken listens there once that is free, and at the old one until then", async () => {
  await using world = new World();
  world.write(FIRST);
  const [old, other] = [freePort(), occupy()];
  await world.listen(old);
  await world.listen(other.port);
  assert.match(world.named("wake-failed")[0] ?? "", /another program listens there/);
  assert.equal(await world.ask(old, FIRST), 202);
  await world.pass(10);
  assert.equal(await world.ask(old, FIRST), 202);
  other.free();
  await world.listens(2);
  assert.equal(await world.ask(other.port, FIRST), 202);
  await eventually("the old one is closed", async () => await world.ask(old, FIRST) === null);
  assert.equal(world.named("wake-failed").length, 1);
});

Deno.test("a waker goes on where nothing has changed, and ends its tries when it is told something else", async () => {
  await using world = new World();
  const [first, second] = [freePort(), freePort()];
  await world.listen(first);
  await world.waker.listen(null);
  world.write(FIRST);
  await world.pass(40);
  assert.equal(await world.ask(first, FIRST), null);
  await world.listen(second);
  await world.listen(second);
  assert.equal(world.named("wake-listening").length, 1);
  assert.equal(await world.ask(second, FIRST), 202);
});

Deno.test("a waker whose new address is not of this host goes on at the old one, also with the same port", async () => {
  await using world = new World();
  world.write(FIRST);
  const port = freePort();
  await world.listen(port);
  // RFC 5737 keeps it for documentation.
  await world.waker.listen({ hostname: "192.0.2.1", port, secretFile: world.secretFile });
  assert.match(world.named("wake-failed")[0] ?? "", /still woken .* this host does not have the address/);
  assert.equal(await world.ask(port, FIRST), 202);
});

Deno.test("a waker whose address is a name looks it up, and says where it has none", async () => {
  await using world = new World();
  world.write(FIRST);
  const port = freePort();
  await world.waker.listen({ hostname: "no-such-host.invalid", port, secretFile: world.secretFile });
  assert.match(
    world.named("wake-failed")[0] ?? "",
    /its name could not be resolved \((ENOTFOUND|EAI_AGAIN|not within 5 s)\)/,
  );
  await world.waker.listen({ hostname: "localhost", port, secretFile: world.secretFile });
  assert.equal(world.named("wake-listening").length, 1);
});
