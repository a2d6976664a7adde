/** The client against the captured answers of a real Hydra. */
import assert from "node:assert/strict";
import type { FailureCode } from "../../lib/failure/failure.ts";
import { readLatestAnswer } from "../../lib/hydra/answer.ts";
import { readBuild } from "../../lib/hydra/build_answer.ts";
import { assertFails, NEVER, startClient } from "../support/hydra_client.ts";
import { startRawServer } from "../support/raw_server.ts";
import { captureNames, readCapture, startReplay } from "../support/replay.ts";

/** A poll that finds a build, and the build. */
interface Found {
  readonly title: string;
  readonly captures: readonly string[];
  readonly path: string;
  readonly id: number;
  /** The store path's part behind the store folder; left out where no capture of the build exists. */
  readonly out?: string;
}

const WEB_4 = "b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-web-4.0";

const FOUND: readonly Found[] = [
  {
    title: "a job whose newest build succeeded leads to that build",
    captures: ["latest-ok-json-follow"],
    path: "/job/demo/good/web/latest",
    id: 122,
    out: "cqipc4qz8r7jcj3l6938vfskfksc502g-web-6.0",
  },
  {
    title: "the newest build failed or aborted: the last successful one counts",
    captures: ["latest-newestfailed-json-follow"],
    path: "/job/demo/main/web/latest",
    id: 111,
    out: WEB_4,
  },
  {
    title: "latest-finished waits for the whole evaluation",
    captures: ["latest-finished-newestfailed-json-follow"],
    path: "/job/demo/main/web/latest-finished",
    id: 108,
  },
  {
    title: "latest-for/SYSTEM picks the build of that system",
    captures: ["latest-for_x86_64-linux-cross-json"],
    path: "/job/demo/main/cross/latest-for/x86_64-linux",
    id: 120,
  },
  {
    title: "a job with two systems gives the highest id of either",
    captures: ["latest-cross-json"],
    path: "/job/demo/main/cross/latest",
    id: 121,
  },
  {
    title: "a job with several outputs is deployed by its output out",
    captures: ["latest-multi-json-follow"],
    path: "/job/demo/main/multi/latest",
    id: 103,
    out: "fprv1k1pwz5m4rsnwibg7hpxz2f8q0ij-multi-1.0",
  },
  {
    title: "an aggregate job is a build like any other",
    captures: ["latest-release-json", "build-aggregate-json"],
    path: "/job/demo/main/release/latest",
    id: 105,
    out: "l5bms1my0qcmpmsa6n5v3hfa5iz4iddy-release-1",
  },
  {
    title: "a job name with dots is one name",
    captures: ["latest-dotted-job"],
    path: "/job/demo/dotted/packages.x86_64-linux.web/latest",
    id: 131,
    out: "5wyshkfv74jmfa3xx2iji50k0prb1kbm-web-3.0",
  },
  {
    title: "a hidden project answers as normal",
    captures: ["latest-hiddenproject-json", "build-hidden-json"],
    path: "/job/secret/main/web/latest",
    id: 130,
    out: "s7s4vfw5qhw3qqf8s2clk6p8dnwsaxaj-web-2.0",
  },
  {
    title: "a hidden jobset answers as normal",
    captures: ["latest-hiddenjobset-json"],
    path: "/job/demo/hid/web/latest",
    id: 128,
  },
  {
    title: "a disabled jobset leads to its old success",
    captures: ["latest-disabledjobset-json"],
    path: "/job/demo/off/web/latest",
    id: 127,
  },
  {
    title: "an out path that is in no cache is not signalled",
    captures: ["latest-gone-json", "build-goneout-json"],
    path: "/job/demo/main/gone/latest",
    id: 117,
    out: "0000000000000000000000000000bbbb-gone-1",
  },
  {
    title: "a new build takes over",
    captures: ["newbuild-latest-after"],
    path: "/job/demo/main/web/latest",
    id: 132,
    out: "cqipc4qz8r7jcj3l6938vfskfksc502g-web-6.0",
  },
  {
    title: "a new build takes over with latest-finished too, once its evaluation is finished",
    captures: ["newbuild-latest-finished"],
    path: "/job/demo/main/web/latest-finished",
    id: 132,
    out: "cqipc4qz8r7jcj3l6938vfskfksc502g-web-6.0",
  },
  {
    title: "a private Hydra answers a session that it knows",
    captures: ["private-latest-cookie-follow"],
    path: "/job/demo/main/web/latest",
    id: 111,
    out: WEB_4,
  },
  {
    title: "HEAD is answered with 302 and Location",
    captures: ["latest-HEAD-json", "build-ok-json"],
    path: "/job/demo/main/web/latest",
    id: 111,
    out: WEB_4,
  },
  {
    title: "a Location of https at another host is read for its path only",
    captures: ["latest-forwarded-json", "build-ok-json"],
    path: "/job/demo/main/web/latest",
    id: 111,
    out: WEB_4,
  },
  {
    title: "a Location of http at another host is read for its path only",
    captures: ["latest-hosthdr-json", "build-ok-json"],
    path: "/job/demo/main/web/latest",
    id: 111,
    out: WEB_4,
  },
  {
    title: "an answer in HTTP/1.0 that closes the connection is as good",
    captures: ["http10", "build-ok-json"],
    path: "/job/demo/main/web/latest",
    id: 111,
    out: WEB_4,
  },
  {
    title: "Hydra does not compress, although it was offered gzip",
    captures: ["latest-ifnonematch-json", "latest-gzip-json"],
    path: "/job/demo/main/web/latest",
    id: 111,
    out: WEB_4,
  },
  {
    title: "a private Hydra answers a host that it lets read",
    captures: ["private-latest-readonlyip", "build-ok-json"],
    path: "/job/demo/main/web/latest",
    id: 111,
    out: WEB_4,
  },
];

for (const { title, captures, path, id, out } of FOUND) {
  Deno.test(`contract: ${title}`, async () => {
    await using server = await startReplay(...captures);
    using client = startClient(server.origin, { path });
    assert.equal(await client.hydra.latest(NEVER), id);
    assert.deepEqual(server.requests.map((r) => `${r.method} ${r.target}`), [`HEAD ${path}`]);
    if (out !== undefined) {
      const build = await client.hydra.build(id, NEVER);
      assert.equal(build.outPath, `/nix/store/${out}`);
      assert.equal(build.id, id);
    }
    assert.deepEqual(client.events, []);
  });
}

/** A poll that finds none. */
interface NotFound {
  readonly title: string;
  readonly captures: readonly string[];
  readonly path: string;
  readonly code: FailureCode;
  readonly says: RegExp;
}

const NO_SUCCESS = /it has no build and says: There is no successful build to redirect to$/;

const NOT_FOUND: readonly NotFound[] = [
  {
    title: "a job with queued builds only has no build",
    captures: ["latest-onlyqueued-json"],
    path: "/job/demo/pending/web/latest",
    code: "hydra-no-build",
    says: NO_SUCCESS,
  },
  {
    title: "a job with failed builds only has no build",
    captures: ["latest-onlyfailed-json"],
    path: "/job/demo/failing/web/latest",
    code: "hydra-no-build",
    says: NO_SUCCESS,
  },
  {
    title: "a job that does not exist has no build",
    captures: ["head-404-json", "latest-nojob-json"],
    path: "/job/demo/main/nosuch/latest",
    code: "hydra-no-build",
    says: NO_SUCCESS,
  },
  {
    title: "a jobset that does not exist is named",
    captures: ["latest-nojobset-json"],
    path: "/job/demo/nosuch/web/latest",
    code: "hydra-no-build",
    says: /says: Jobset \u2018nosuch\u2019 doesn't exist$/,
  },
  {
    title: "a project that does not exist is blamed on its jobset",
    captures: ["latest-noproject-json"],
    path: "/job/nosuch/main/web/latest",
    code: "hydra-no-build",
    says: /says: Jobset \u2018main\u2019 doesn't exist$/,
  },
  {
    title: "a job name with an encoded slash is not found",
    captures: ["latest-slash-encoded"],
    path: "/job/demo/good/packages%2Fweb/latest",
    code: "hydra-no-build",
    says: /says: Page not found$/,
  },
  {
    title: "a 404 in HTML has no words of Hydra",
    captures: ["accept-404-star"],
    path: "/job/demo/main/nosuch/latest",
    code: "hydra-no-build",
    says: /: it has no build \(404\)$/,
  },
  {
    title: "a private Hydra refuses",
    captures: ["private-latest-noauth-json"],
    path: "/job/demo/main/web/latest",
    code: "hydra-refused",
    says: /refuses with 403 and says: This page requires you to sign in$/,
  },
];

for (const { title, captures, path, code, says } of NOT_FOUND) {
  Deno.test(`contract: ${title}`, async () => {
    await using server = await startReplay(...captures);
    using client = startClient(server.origin, { path });
    await assertFails(client.hydra.latest(NEVER), code, says);
    assert.deepEqual(server.requests.map((r) => r.method), ["HEAD", "GET"]);
  });
}

/** A build that cannot be deployed. */
interface Refused {
  readonly title: string;
  readonly capture: string;
  readonly id: number;
  readonly code?: FailureCode;
  readonly says: RegExp;
}

const REFUSED: readonly Refused[] = [
  {
    title: "a build without the output out names the others",
    capture: "build-noout-json",
    id: 104,
    says: /: build 104 has no output 'out', only bin, dev$/,
  },
  {
    title: "a restarted build is not finished, although its status is 0",
    capture: "restart-3-build-after",
    id: 131,
    says: /: build 131 is not finished \(restarted\?\)$/,
  },
  {
    title: "a queued build already has a path and is not finished",
    capture: "build-queued-json",
    id: 112,
    says: /: build 112 is not finished/,
  },
  {
    title: "a failed build already has a path and is refused",
    capture: "build-failed-json",
    id: 106,
    says: /: build 106 failed \(build status 1\)$/,
  },
  {
    title: "an unresolved content-addressed output comes with a failed build",
    capture: "build-nullout-json",
    id: 118,
    says: /: build 118 failed \(build status 1\)$/,
  },
  {
    title: "a build whose dependency failed is refused",
    capture: "build-depfailed-json",
    id: 107,
    says: /failed because a dependency failed \(build status 2\)$/,
  },
  {
    title: "an aborted build is refused",
    capture: "build-aborted-json",
    id: 114,
    says: /: build 114 was aborted \(build status 3\)$/,
  },
  {
    title: "a cancelled build is refused",
    capture: "build-cancelled-json",
    id: 115,
    says: /was cancelled \(build status 4\)$/,
  },
  {
    title: "a build that failed with output is refused",
    capture: "build-failedwithoutput-json",
    id: 109,
    says: /failed, although it has output \(build status 6\)$/,
  },
  {
    title: "a build that timed out is refused",
    capture: "build-timeout-json",
    id: 119,
    says: /timed out \(build status 7\)$/,
  },
  {
    title: "a build that does not exist",
    capture: "build-nonexistent-json",
    id: 99999,
    code: "hydra-no-build",
    says: /: there is no such build and says: Build with ID 99999 doesn't exist$/,
  },
  {
    title: "a build of a private Hydra is refused",
    capture: "private-build-noauth-json",
    id: 111,
    code: "hydra-refused",
    says: /refuses with 403 and says: This page requires you to sign in$/,
  },
  {
    title: "a build while the database is down fails",
    capture: "dbdown-build-json",
    id: 111,
    code: "hydra-failed",
    says: /fails with 500 and says: DBIx::Class.*\.\.\.$/,
  },
];

for (const { title, capture, id, code = "hydra-unusable", says } of REFUSED) {
  Deno.test(`contract: ${title}`, async () => {
    await using server = await startReplay(capture);
    using client = startClient(server.origin);
    const failure = await assertFails(client.hydra.build(id, NEVER), code, says);
    assert.equal(failure.what, `${server.origin}/build/${id}`);
    assert.ok(failure.message.length < 500);
    assert.deepEqual(server.requests.map((r) => `${r.method} ${r.target}`), [`GET /build/${id}`]);
  });
}

Deno.test("contract: an unresolved content-addressed output of a successful build has no path", async () => {
  // No capture has a success with a null path: the captured failure is served as a success.
  const [hop] = await readCapture("build-nullout-json");
  assert.ok(hop !== undefined);
  await using server = startRawServer(async (_request, answer) => {
    await answer.write(hop.head);
    await answer.write(new TextDecoder().decode(hop.body).replace('"buildstatus":1', '"buildstatus":0'));
  });
  using client = startClient(server.origin);
  const says = /build 118 has no path: it is an unresolved content-addressed output$/;
  await assertFails(client.hydra.build(118, NEVER), "hydra-unusable", says);
});

Deno.test("contract: what a successful build says is all read", async () => {
  await using server = await startReplay("build-ok-json");
  using client = startClient(server.origin);
  assert.deepEqual(await client.hydra.build(111, NEVER), {
    id: 111,
    outPath: `/nix/store/${WEB_4}`,
    name: "web-4.0",
    finishedAt: 1795003120,
  });
});

for (const selector of ["latest", "latest-finished", "latest-for/x86_64-linux"]) {
  Deno.test(`contract: a renamed jobset is followed with ${selector}, warned of once, and then asked directly`, async () => {
    const capture = `latest-${selector.replace(/^latest-?/, "").replace("/", "_")}-renamedjobset-json`
      .replace("--", "-");
    const [renamed] = await readCapture(capture);
    const [, found] = await readCapture("latest-renamed-json-follow");
    assert.ok(renamed !== undefined && found !== undefined);
    await using server = startRawServer(({ target }, answer) =>
      answer.write(target.includes("/oldname/") ? renamed.head : found.head)
    );
    using client = startClient(server.origin, { path: `/job/demo/oldname/web/${selector}` });
    assert.equal(await client.hydra.latest(NEVER), 129);
    assert.equal(await client.hydra.latest(NEVER), 129);
    assert.deepEqual(server.requests.map((r) => r.target), [
      `/job/demo/oldname/web/${selector}`,
      `/job/demo/newname/web/${selector}`,
      `/job/demo/newname/web/${selector}`,
    ]);
    const fresh = `${server.origin}/job/demo/newname/web/${selector}`;
    assert.deepEqual(client.events.map((event) => [event.level, event.fields?.["new_job_uri"]]), [[
      "warning",
      fresh,
    ]]);
    assert.ok(client.events[0]?.message.includes(fresh));
  });
}

Deno.test("contract: a whole renamed jobset is deployed", async () => {
  await using server = await startReplay("latest-renamed-json-follow");
  using client = startClient(server.origin, { path: "/job/demo/oldname/web" });
  const build = await client.hydra.build(await client.hydra.latest(NEVER), NEVER);
  assert.equal(build.outPath, "/nix/store/a57kwmcp3dqm1nnl9b93djl49ps3m9d6-web-1.0");
});

Deno.test("contract: a restart moves latest backwards, and the restarted build is unfinished", async () => {
  await using server = await startReplay(
    "restart-0-latest-before",
    "restart-2-latest-after",
    "restart-3-build-after",
    "latest-ok-json-follow",
  );
  using client = startClient(server.origin, { path: "/job/demo/good/web/latest" });
  assert.equal(await client.hydra.latest(NEVER), 131);
  await assertFails(client.hydra.build(131, NEVER), "hydra-unusable", /not finished/);
  assert.equal(await client.hydra.latest(NEVER), 122);
  assert.equal((await client.hydra.build(122, NEVER)).name, "web-6.0");
});

Deno.test("contract: a database that is down is a failure of Hydra, and recovers by itself", async () => {
  await using server = await startReplay("dbdown-latest-json", "dbup-latest-json");
  using client = startClient(server.origin);
  const failure = await assertFails(client.hydra.latest(NEVER), "hydra-failed", /fails with 500$/);
  assert.equal(failure.retryAfter, undefined);
  assert.equal(failure.exitStatus, 10);
  assert.equal(await client.hydra.latest(NEVER), 111);
});

Deno.test("contract: the private Hydra's hint tells that Hydra ignores passwords", async () => {
  await using server = await startReplay("private-latest-basic");
  using client = startClient(server.origin, { credentials: { login: "admin", password: "adminpw" } });
  const failure = await assertFails(client.hydra.latest(NEVER), "hydra-refused", /403/);
  assert.match(failure.next, /private.*ignores passwords/);
});

Deno.test("contract: the session cookie is sent back, and nothing but it", async () => {
  await using server = await startReplay("latest-HEAD-json", "build-ok-json");
  using client = startClient(server.origin);
  await client.hydra.latest(NEVER);
  await client.hydra.build(111, NEVER);
  await client.hydra.latest(NEVER);
  assert.deepEqual(server.requests.map((r) => r.headers.get("cookie")), [
    undefined,
    "hydra_session=e4924853728a664854b7f04d1e19da2557f36c8e",
    "hydra_session=7f16a0ecb8cfea778ab908d490fba0a1044fa97f",
  ]);
});

Deno.test("contract: the session is dropped when Hydra refuses", async () => {
  await using server = await startReplay(
    "private-latest-cookie",
    "private-latest-noauth-json",
    "private-latest-noauth-json",
    "private-latest-readonlyip",
  );
  using client = startClient(server.origin);
  await client.hydra.latest(NEVER);
  await assertFails(client.hydra.latest(NEVER), "hydra-refused", /403/);
  await client.hydra.latest(NEVER);
  assert.deepEqual(server.requests.map((r) => r.headers.has("cookie")), [false, true, false, false]);
});

Deno.test("contract: each request asks for JSON and says who asks", async () => {
  await using server = await startReplay("latest-newestfailed-json-follow");
  using client = startClient(server.origin, { credentials: { login: "hail", password: "p\u00e4ss:word" } });
  await client.hydra.latest(NEVER);
  await client.hydra.build(111, NEVER);
  for (const { headers } of server.requests) {
    assert.equal(headers.get("accept"), "application/json");
    assert.equal(headers.get("user-agent"), "hail/0.0.0-test");
    assert.equal(headers.get("authorization"), "Basic aGFpbDpww6Rzczp3b3Jk");
  }
  assert.equal(server.requests.length, 2);
});

Deno.test("contract: polls share one connection and cost one request each", async () => {
  await using server = await startReplay("latest-newestfailed-json-follow");
  using client = startClient(server.origin);
  for (let poll = 0; poll < 50; poll++) await client.hydra.latest(NEVER);
  await client.hydra.build(111, NEVER);
  await client.hydra.latest(NEVER);
  assert.equal(server.requests.length, 52);
  assert.equal(server.connections, 1);
});

Deno.test("contract: a base path before /job stays before /build", async () => {
  const [latest] = await readCapture("latest-newestfailed-json");
  const [build] = await readCapture("build-ok-json");
  await using server = startRawServer(async ({ method, target }, answer) => {
    const hop = target.includes("/build/") ? build : latest;
    assert.ok(hop !== undefined);
    await answer.write(hop.head);
    if (method === "GET") await answer.write(hop.body);
  });
  using client = startClient(server.origin, { path: "/ci/hydra/job/demo/main/web" });
  await client.hydra.build(await client.hydra.latest(NEVER), NEVER);
  assert.deepEqual(server.requests.map((r) => r.target), [
    "/ci/hydra/job/demo/main/web/latest",
    "/ci/hydra/build/111",
  ]);
});

Deno.test("contract: every captured answer to latest is understood", async () => {
  const kinds = new Map<string, number>();
  for (
    const name of captureNames().filter((name) => name.startsWith("latest-") && name !== "latest-gzip-json")
  ) {
    const [hop] = await readCapture(name);
    const head = new TextDecoder("latin1").decode(hop?.head);
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? [];
    const headers = new Headers();
    for (const [, key = "", value = ""] of head.matchAll(/^([^:\r\n]+): (.*)\r$/gm)) {
      headers.append(key, value);
    }
    const answer = readLatestAnswer({ status: Number(status), headers });
    const expected = { "301": "renamed", "302": "build", "404": "none" }[status ?? ""];
    assert.equal(answer.kind, expected, name);
    if (answer.kind === "build") assert.ok(headers.get("location")?.endsWith(`/build/${answer.id}`), name);
    if (answer.kind === "renamed") {
      assert.deepEqual(answer.name, { project: "demo", jobset: "newname", job: "web" }, name);
    }
    kinds.set(answer.kind, (kinds.get(answer.kind) ?? 0) + 1);
  }
  assert.deepEqual([...kinds.keys()].toSorted(), ["build", "none", "renamed"]);
});

Deno.test("contract: every captured build is deployed exactly if it is finished, succeeded and has an out", async () => {
  let deployed = 0;
  let refused = 0;
  for (
    const name of captureNames().filter((name) =>
      name.startsWith("build-") || name === "restart-3-build-after"
    )
  ) {
    const [hop] = await readCapture(name);
    assert.ok(hop !== undefined);
    // The answer to a HEAD has no body.
    if (!new TextDecoder().decode(hop.head).startsWith("HTTP/1.1 200 ") || hop.body.length === 0) continue;
    const json = JSON.parse(new TextDecoder().decode(hop.body));
    const result = readBuild(hop.body, json.id, "/nix/store");
    const good = json.finished === 1 && json.buildstatus === 0 && "out" in json.buildoutputs;
    assert.equal("outPath" in result, good, name);
    if ("outPath" in result) assert.equal(result.outPath, json.buildoutputs.out.path, name);
    if (good) deployed++;
    else refused++;
  }
  assert.ok(deployed >= 5 && refused >= 8, `${deployed} and ${refused}`);
});
