import assert from "node:assert/strict";
import { inTurn } from "./ask_services.ts";

Deno.test("in turn: one work at a time, in the order in which they came, whatever becomes of them", async () => {
  const oneByOne = inTurn();
  const log: string[] = [];
  const work = (name: string, error?: Error) => async () => {
    log.push(`${name} begins`);
    await Promise.resolve();
    log.push(`${name} ends`);
    if (error !== undefined) throw error;
    return name;
  };
  const done = await Promise.allSettled([
    oneByOne(work("a")),
    oneByOne(work("b", new Error("no"))),
    oneByOne(work("c")),
  ]);
  assert.deepEqual(done.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(log, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});
