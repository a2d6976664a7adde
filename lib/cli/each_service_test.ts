import assert from "node:assert/strict";
import { findMistakes, readSchema } from "../../tests/command_line/json_schema.ts";
import { Stopped } from "../agent/signals.ts";
import { emptyRecord } from "../deployment/record.ts";
import { Failure, type FailureCode } from "../failure/failure.ts";
import type { Event } from "../report/event.ts";
import { answerForEach, inOrder } from "./each_service.ts";
import type { Found, Service } from "./services.ts";

function service(name: string): Service {
  return {
    name,
    profile: `/p/${name}`,
    jobUri: "https://hydra.example/job/a/b/c/latest",
    settings: null,
    record: emptyRecord(0),
    writtenAt: null,
    file: `/s/${name}.sqlite`,
    folder: "/s",
    sockets: [`/s/${name}.sock`, "/s/agent.sock"],
    hindrance: null,
    isRemembered: true,
  };
}

const failure = (code: FailureCode) => new Failure(code, { what: "x", why: "broken", next: "Mend it." });

/** Asks for some services; what is not in `failures` is done. */
async function answer(
  names: readonly string[],
  options: {
    readonly all?: boolean;
    readonly json?: boolean;
    readonly pages?: boolean;
    readonly failures?: Readonly<Record<string, Error>>;
    readonly unreadable?: Found["unreadable"];
  } = {},
) {
  const { all = false, json = false, pages = false, failures = {}, unreadable = [] } = options;
  const out: string[] = [];
  const events: Event[] = [];
  const status = await answerForEach(
    { services: all ? [] : names, all, json },
    { services: names.map(service), unreadable },
    { out: (text) => out.push(text), report: (event) => events.push(event) },
    {
      act: ({ name }) => {
        const error = failures[name];
        return error === undefined ? Promise.resolve(`${name} is done`) : Promise.reject(error);
      },
      text: (message, { name }, listed) => listed ? `${name}: ${message}` : message,
      document: (message, { name, profile }, listed) =>
        listed ? { service: name, profile, message } : { message },
      pages,
    },
  );
  return { status, out, errors: events.map(({ service, message }) => `${service}: ${message}`) };
}

Deno.test("each service: the answer for one stands alone, and its failure is thrown", async () => {
  assert.deepEqual(await answer(["web"]), { status: 0, out: ["web is done"], errors: [] });
  const { out } = await answer(["web"], { json: true });
  assert.deepEqual(JSON.parse(out.join()), { version: 1, message: "web is done" });
  const held = failure("profile-held");
  await assert.rejects(answer(["web"], { failures: { web: held } }), (error) => error === held);
});

Deno.test("each service: several have a name each, and blank lines between pages", async () => {
  const { status, out } = await answer(["api", "web"]);
  assert.deepEqual([status, out], [0, ["api: api is done", "web: web is done"]]);
  assert.deepEqual((await answer(["api", "web"], { pages: true })).out, [
    ...["api: api is done", "\nweb: web is done"],
  ]);
});

Deno.test("each service: all are a list, also where there is one", async () => {
  assert.deepEqual((await answer(["web"], { all: true })).out, ["web: web is done"]);
  const { out } = await answer(["web"], { all: true, json: true });
  assert.equal(JSON.parse(out.join()).services.length, 1);
});

Deno.test("each service: what fails is said and holds up no other; the status is that of all failures", async () => {
  const held = failure("profile-held");
  const some = await answer(["a", "b", "c"], { failures: { a: held, c: held } });
  assert.deepEqual(some, {
    status: 15,
    out: ["b: b is done"],
    errors: ["a: x: broken. Mend it.", "c: x: broken. Mend it."],
  });
  assert.equal((await answer(["a", "b"], { failures: { a: held, b: failure("paused") } })).status, 1);
  const foreseen = await answer(["a", "b"], { failures: { a: new Error("boo") } });
  assert.equal(foreseen.status, 1);
  assert.match(foreseen.errors.join(), /^a: hail itself is at fault.*boo/);
});

Deno.test("each service: what cannot be read is a failure where all are asked for", async () => {
  const unreadable = [{ file: "/s/x.sqlite", failure: failure("state-damaged") }];
  const { status, errors, out } = await answer(["web"], { all: true, unreadable, json: true });
  assert.equal(status, 1);
  assert.deepEqual(errors, ["undefined: x: broken. Mend it."]);
  assert.deepEqual(JSON.parse(out.join()), {
    version: 1,
    services: [{ service: "web", profile: "/p/web", message: "web is done" }],
    failures: [{
      service: null,
      profile: null,
      code: "state-damaged",
      message: "x: broken",
      next: "Mend it.",
    }],
  });
});

Deno.test("each service: the list is in JSON as its schema says", async () => {
  const { out } = await answer(["a", "b", "c"], {
    json: true,
    failures: { a: failure("paused"), c: new Error("s3cret") },
  });
  const document = JSON.parse(out.join());
  assert.deepEqual(findMistakes(document, await readSchema("change")), []);
  assert.doesNotMatch(out.join(), /s3cret/);
  assert.deepEqual(document.failures.map(({ code }: { code: string }) => code), ["paused", "internal"]);
});

Deno.test("each service: answers come in order, each as soon as all before it are there", async () => {
  const waits = new Map("abcd".split("").map((name) => [name, Promise.withResolvers<string>()]));
  const taken: string[] = [];
  const done = inOrder(
    [...waits.keys()],
    8,
    (name) => waits.get(name)?.promise ?? Promise.reject(new Error(name)),
    (settled, name) => taken.push(`${name} ${settled.status}`),
  );
  const settle = async (name: string, error?: Error) => {
    const wait = waits.get(name);
    if (error === undefined) wait?.resolve("");
    else wait?.reject(error);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    return taken.join();
  };
  assert.equal(await settle("b"), "");
  assert.equal(await settle("a"), "a fulfilled,b fulfilled");
  assert.equal(await settle("d"), "a fulfilled,b fulfilled");
  assert.equal(await settle("c", new Error("no")), "a fulfilled,b fulfilled,c rejected,d fulfilled");
  await done;
});

Deno.test("each service: never more than so many are at it, and all have their turn", async () => {
  let atIt = 0;
  let most = 0;
  const taken: number[] = [];
  await inOrder(
    Array.from({ length: 100 }, (_, number) => number),
    8,
    async (number) => {
      most = Math.max(most, ++atIt);
      for (let turn = 0; turn < 3 + number % 7; turn++) await Promise.resolve();
      atIt -= 1;
      return number;
    },
    (settled) => taken.push(settled.status === "fulfilled" ? settled.value : -1),
  );
  assert.equal(most, 8);
  assert.deepEqual(taken, Array.from({ length: 100 }, (_, number) => number));
});

Deno.test("each service: a signal ends it when what was begun is done, and no more is begun", async () => {
  const begun: number[] = [];
  const work = async (number: number) => {
    begun.push(number);
    await Promise.resolve();
    if (number === 1) throw new Stopped("SIGINT");
  };
  await assert.rejects(inOrder([0, 1, 2, 3, 4, 5], 2, work, () => {}), Stopped);
  assert.ok(begun.length <= 4, String(begun));
  await inOrder([], 8, work, () => {});
});
