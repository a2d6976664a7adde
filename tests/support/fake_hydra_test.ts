import assert from "node:assert/strict";
import { FakeHydra } from "./fake_hydra.ts";
import { type Hop, readCapture } from "./replay.ts";

const WEB = "/nix/store/b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-web-4.0";

/** A Hydra with what the captures that are compared below were taken from. */
function demoHydra(): FakeHydra {
  const hydra = new FakeHydra();
  hydra.setLatest("demo/main/web", { id: 111, path: WEB });
  hydra.setLatest("demo/good/web", { id: 122, path: WEB });
  hydra.addJob("demo/failing/web");
  return hydra;
}

/** An answer with what differs from one to the next made the same: dates, sessions and the port. */
interface Comparable {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function comparable(status: number, headers: Iterable<[string, string]>, body: string): Comparable {
  const same = (text: string) => text.replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT");
  const rest = [...headers].map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => name !== "date" && name !== "content-length")
    .map(([name, value]) => [
      name,
      same(value).replace(/[0-9a-f]{40}/, "SESSION").replace(
        /expires=\w{3}, \d\d-\w{3}-\d{4} [\d:]+ GMT/,
        "expires=DATE",
      ),
    ]);
  return { status, headers: Object.fromEntries(rest), body: same(body) };
}

async function ofCapture(name: string): Promise<{ method: string; target: string; answer: Comparable }> {
  const [hop] = await readCapture(name) as [Hop];
  const [first = "", ...lines] = new TextDecoder("latin1").decode(hop.head).trim().split("\r\n");
  const headers = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf(":")),
    line.slice(line.indexOf(":") + 2),
  ]);
  return {
    method: hop.method ?? "GET",
    target: hop.target,
    answer: comparable(Number(first.split(" ")[1]), headers, new TextDecoder().decode(hop.body)),
  };
}

/** Asks without following, like hail. */
async function ask(hydra: FakeHydra, target: string, method = "GET"): Promise<Comparable> {
  const response = await fetch(hydra.origin + target, {
    method,
    redirect: "manual",
    headers: { accept: "application/json" },
  });
  return comparable(response.status, response.headers, await response.text());
}

for (
  const capture of [
    "latest-ok-json",
    "latest-HEAD-json",
    "latest-finished-ok-json",
    "latest-for_x86_64-linux-ok-json",
    "head-404-json",
    "latest-nojob-json",
    "latest-onlyfailed-json",
    "latest-nojobset-json",
    "latest-noproject-json",
    "latest-finished-nojob-json",
    "latest-for-ok-json",
    "latest-for_x86_64-linux-nojob-json",
    "build-HEAD-json",
    "build-nonexistent-json",
    "build-bogus-json",
  ]
) {
  Deno.test(`fake Hydra: it answers as the real one did in ${capture}`, async () => {
    await using hydra = demoHydra();
    const { method, target, answer } = await ofCapture(capture);
    assert.deepEqual(await ask(hydra, target, method), answer);
  });
}

Deno.test("fake Hydra: the JSON of a build has the keys of a real one, with values of the same types", async () => {
  await using hydra = demoHydra();
  const shape = (json: string) =>
    Object.entries(JSON.parse(json) as Record<string, unknown>)
      .filter(([key]) => key !== "releasename") // Null, or a text.
      .map(([key, value]) => `${key}: ${Array.isArray(value) ? "array" : typeof value}`).toSorted();
  const { answer, target } = await ofCapture("build-ok-json");
  const own = await ask(hydra, target);
  assert.deepEqual(shape(own.body), shape(answer.body));
  assert.deepEqual(own.headers, answer.headers);
});

Deno.test("fake Hydra: a private one refuses as the real one does", async () => {
  await using hydra = demoHydra();
  hydra.fault = "private";
  const { target, answer } = await ofCapture("private-latest-noauth-json");
  assert.deepEqual(await ask(hydra, target), answer);
});

Deno.test("fake Hydra: a session is made for each request without its cookie", async () => {
  await using hydra = demoHydra();
  const first = await fetch(`${hydra.origin}/build/111`, { headers: { accept: "application/json" } });
  await first.body?.cancel();
  const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
  const second = await fetch(`${hydra.origin}/build/111`, {
    headers: { accept: "application/json", cookie },
  });
  await second.body?.cancel();
  assert.equal(hydra.sessions, 1);
  assert.equal(second.headers.get("set-cookie")?.split(";")[0], cookie);
});

Deno.test("fake Hydra: latest can move on and back", async () => {
  await using hydra = demoHydra();
  const latest = async () => (await ask(hydra, "/job/demo/main/web/latest", "HEAD")).headers["location"];
  hydra.setLatest("demo/main/web", { id: 120, path: WEB });
  assert.equal(await latest(), "http://127.0.0.1:PORT/build/120");
  hydra.setLatest("demo/main/web", { id: 111, path: WEB });
  assert.equal(await latest(), "http://127.0.0.1:PORT/build/111");
  assert.equal((await ask(hydra, "/build/120")).status, 200);
});

Deno.test("fake Hydra: a proxy in front asks for credentials", async () => {
  await using hydra = new FakeHydra({ credentials: { login: "u", password: "p" } });
  const answers = [];
  for (const authorization of ["", `Basic ${btoa("u:x")}`, `Basic ${btoa("u:p")}`]) {
    const response = await fetch(`${hydra.origin}/build/1`, { headers: { authorization } });
    await response.body?.cancel();
    answers.push(response.status);
  }
  assert.deepEqual(answers, [401, 401, 404]);
});

Deno.test("fake Hydra: it can go and come back as the same", async () => {
  await using hydra = demoHydra();
  await hydra.close();
  await assert.rejects(ask(hydra, "/build/111"), TypeError);
  hydra.open();
  assert.equal((await ask(hydra, "/build/111")).status, 200);
});

/** A Hydra with the evaluations that the captures of them were taken from, as far as they are compared. */
function evaluatedHydra(): FakeHydra {
  const hydra = demoHydra();
  hydra.setBuild("demo/main/web", { id: 114, path: WEB, status: 3 });
  hydra.setEvaluation("demo/main", 15, { web: 114 });
  hydra.setEvaluation("demo/main", 16, {});
  hydra.setEvaluation("demo/good", 17, { web: 122 });
  return hydra;
}

for (
  const capture of [
    "eval-15-job-web",
    "eval-15-job-nosuch",
    "eval-16-builds-json",
    "eval-999-builds-json",
    "build-ok-constituents-json",
    "jobset-main-latest-eval-json",
    "jobset-good-latest-eval-json",
    "jobset-empty-latest-eval-json",
  ]
) {
  Deno.test(`fake Hydra: it answers as the real one did in ${capture}`, async () => {
    await using hydra = evaluatedHydra();
    const { method, target, answer } = await ofCapture(capture);
    assert.deepEqual(await ask(hydra, target, method), answer);
  });
}

Deno.test("fake Hydra: an evaluation counts once its builds are finished", async () => {
  await using hydra = new FakeHydra();
  hydra.setBuild("demo/main/web", { id: 6 });
  hydra.setEvaluation("demo/main", 2, { web: 6 });
  hydra.setLatest("demo/main/web", { id: 7 });
  hydra.setBuild("demo/main/api", { id: 8, status: null });
  hydra.setEvaluation("demo/main", 3, { web: 7, api: 8 });
  hydra.setConstituents(7, [6, 8]);
  hydra.setErrors("demo/main", "in job docs: error");
  const to = async (target: string) => (await ask(hydra, target)).headers["location"]?.replace(/^.*PORT/, "");
  assert.equal(await to("/job/demo/main/web/latest"), "/build/7");
  assert.equal(await to("/job/demo/main/web/latest-finished"), "/build/6");
  assert.equal(await to("/jobset/demo/main/latest-eval"), "/eval/2?name=main");
  hydra.setBuild("demo/main/api", { id: 8, status: 1 });
  assert.equal(await to("/job/demo/main/web/latest-finished"), "/build/7");
  assert.equal(await to("/jobset/demo/main/latest-eval"), "/eval/3?name=main");
  const json = async (target: string) => JSON.parse((await ask(hydra, target)).body);
  const told = (
    { id, job, finished, buildstatus, jobsetevals }: Record<string, unknown>,
  ) => [id, job, finished, buildstatus, jobsetevals];
  assert.deepEqual((await json("/eval/3/builds")).map(told), [[7, "web", 1, 0, [3]], [8, "api", 1, 1, [3]]]);
  assert.deepEqual((await json("/build/7/constituents")).map(told), [[6, "web", 1, 0, [2]], [8, "api", 1, 1, [
    3,
  ]]]);
  assert.equal((await json("/jobset/demo/main/errors")).errormsg, "in job docs: error");
});
