import assert from "node:assert/strict";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { createActivator } from "./choose.ts";

function choose(systemd: boolean, path: string) {
  const events: Event[] = [];
  const activator = createActivator({
    profile: "/p/web",
    jobUri: "http://h/job/a/b/c",
    timeLimit: 1_000,
    degradedStatuses: [],
    environment: { PATH: path },
    systemd,
    run: () => Promise.reject(new Error("nothing is started")),
    clock: new VirtualClock(),
    report: (event) => events.push(event),
  });
  return { events, activator };
}

Deno.test("createActivator has systemd run activations where it is there, and runs them itself elsewhere", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hail-choose-" });
  await using _folder = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  for (const name of ["systemd-run", "systemctl"]) await Deno.writeTextFile(`${folder}/${name}`, "");
  const path = `/no/such:${folder}`;
  assert.equal(choose(true, path).activator.outlives, true);
  assert.deepEqual(choose(true, path).events, []);
  assert.equal(choose(false, path).activator.outlives, false);
  assert.deepEqual(choose(false, path).events, []);
});

Deno.test("createActivator says that systemd's commands are missing, and runs activations itself", () => {
  const { activator, events } = choose(true, "/no/such:relative");
  assert.equal(activator.outlives, false);
  assert.deepEqual(events.map(({ name, level }) => [name, level]), [["activation-child", "warning"]]);
});
