/** What a client knows is seen by nobody else, whatever a server answers: credentials, sessions, and the requests themselves. */
import assert from "node:assert/strict";
import type { Hydra } from "../../lib/deployment/ports.ts";
import {
  answerOf,
  assertKeepsSecrets,
  BASIC,
  build,
  buildWith,
  builtAt,
  CREDENTIALS,
  latest,
  OUT,
  redirectTo,
  saying,
  SESSION,
} from "../support/hydra_answers.ts";
import { assertFails, failureOf, NEVER, startClient } from "../support/hydra_client.ts";
import { latin1, startRawServer } from "../support/raw_server.ts";

Deno.test("secrets: redirects to other origins lead nowhere: only their path counts", async () => {
  await using other = startRawServer(() => {});
  const places = [
    `${other.origin}/build/7`,
    `//127.0.0.1:${other.port}/build/7`,
    `https://127.0.0.1:${other.port}/x/../build/7?a=b#c`,
    `ftp://127.0.0.1:${other.port}/build/7`,
    `${other.origin}/job/demo/new/web/latest`,
    `http://hail:x@127.0.0.1:${other.port}/build/7`,
    `${other.origin}\\@127.0.0.1/build/7`,
  ];
  let place = "";
  await using server = startRawServer(({ target }, answer) =>
    answer.write(
      target.startsWith("/build/")
        ? buildWith({})
        : redirectTo(target.includes("/new/") ? "/build/7" : place),
    )
  );
  for (place of places) {
    using client = startClient(server.origin, { credentials: CREDENTIALS });
    assert.equal(await client.hydra.latest(NEVER), 7, place);
    assert.equal((await client.hydra.build(7, NEVER)).outPath, OUT);
  }
  assert.equal(other.connections, 0);
  assert.ok(server.requests.every((request) => request.headers.get("authorization") === `Basic ${BASIC}`));
});

Deno.test("secrets: a redirect away from a build leads nowhere", async () => {
  await using other = startRawServer(() => {});
  await using server = startRawServer((_request, answer) =>
    answer.write(redirectTo(`${other.origin}/build/7`))
  );
  using client = startClient(server.origin, { credentials: CREDENTIALS });
  await assertFails(
    client.hydra.build(7, NEVER),
    "hydra-unusable",
    /redirects \(302\) to http:.*, where there is no build$/,
  );
  assert.equal(other.connections, 0);
});

Deno.test("secrets: credentials that a server sends back are not shown", async () => {
  const password = CREDENTIALS.password;
  const encoded = encodeURIComponent(password);
  const answers: readonly (readonly [(hydra: Hydra) => Promise<unknown>, string])[] = [
    [latest, saying(404, `no build for ${password}`)],
    [latest, saying(403, `hail:${password} is wrong`)],
    [latest, saying(403, `Basic ${BASIC}`)],
    [latest, saying(404, `session ${SESSION}`)],
    [
      latest,
      saying(404, `correct\u001b[0m horse\u200b battery, ${"x".repeat(400)}`),
    ],
    [latest, saying(404, `correct\u001b[0m horse battery`)],
    [latest, redirectTo(`/login/${encoded}`)],
    [latest, redirectTo(`/${"x".repeat(170)}${BASIC}/${BASIC}`)],
    [latest, redirectTo(`/job/demo/${encoded}/web/latest`)],
    [latest, redirectTo(`/job/demo/${BASIC}/web/latest`)],
    [build, saying(500, password)],
    [build, answerOf(200, [`Content-Type: text/${BASIC}`], "")],
    [build, buildWith({ buildoutputs: { [password]: { path: OUT } } })],
    [build, builtAt(`/etc/${password}`)],
    [build, builtAt(`/etc/${"x".repeat(110)}/${BASIC}`)],
  ];
  let reply = "";
  await using server = startRawServer(({ target }, answer) =>
    answer.write(
      target.startsWith("/build/1") ? redirectTo("/x", `Set-Cookie: hydra_session=${SESSION}`) : reply,
    )
  );
  for (const [ask, text] of answers) {
    using client = startClient(server.origin, { credentials: CREDENTIALS });
    await failureOf(client.hydra.build(1, NEVER));
    reply = text;
    const failure = await failureOf(ask(client.hydra));
    assertKeepsSecrets(failure, client.events);
    assert.match(failure.message, /repeats the credentials|\(not shown/, failure.message);
  }
});

Deno.test("secrets: a name that repeats the password is not shown, and does no harm", async () => {
  await using server = startRawServer((_request, answer) =>
    answer.write(buildWith({ nixname: CREDENTIALS.password }))
  );
  using client = startClient(server.origin, { credentials: CREDENTIALS });
  const found = await client.hydra.build(7, NEVER);
  assert.equal(found.outPath, OUT);
  assert.doesNotMatch(found.name, /horse/);
});

Deno.test("secrets: a password that is also the name of the job hides nothing", async () => {
  await using server = startRawServer(({ target }, answer) =>
    answer.write(redirectTo(target.includes("/new/") ? "/build/7" : "/job/demo/new/web/latest"))
  );
  using client = startClient(server.origin, { credentials: { login: "hail", password: "web" } });
  assert.equal(await client.hydra.latest(NEVER), 7);
});

for (
  const [title, cookie] of [
    ["that is longer than 4 KiB", `hydra_session=${"a".repeat(4097)}`],
    ["of 100 KB", `hydra_session=${"a".repeat(100_000)}`],
    ["with spaces", "hydra_session=a b"],
    ["with a comma", "hydra_session=a,b=c"],
    ["with quotes", 'hydra_session="a"'],
    ["beyond ASCII", "hydra_session=\xe9"],
    ["without a value", "hydra_session="],
    ["of another name", "session=abc"],
    ["without a name", "abc"],
  ] as const
) {
  Deno.test(`secrets: a session cookie ${title} is not taken`, async () => {
    await using server = startRawServer((_request, answer) =>
      answer.write(latin1(redirectTo("/build/7", `Set-Cookie: ${cookie}; path=/`)))
    );
    using client = startClient(server.origin);
    await client.hydra.latest(NEVER);
    await client.hydra.latest(NEVER);
    assert.equal(server.requests[1]?.headers.get("cookie"), undefined);
  });
}

for (const end of ["\r", "\n", "\r\n"]) {
  Deno.test(`secrets: a session cookie with ${JSON.stringify(end)} in it adds no header`, async () => {
    await using server = startRawServer((_request, answer) =>
      answer.write(redirectTo("/build/7", `Set-Cookie: hydra_session=a${end}X-Added: b`))
    );
    using client = startClient(server.origin);
    for (let poll = 0; poll < 2; poll++) await client.hydra.latest(NEVER).catch(() => {});
    for (const { headers } of server.requests) {
      assert.equal(headers.get("x-added"), undefined);
      assert.match(headers.get("cookie") ?? "hydra_session=a", /^hydra_session=a$/);
    }
    assert.ok(server.requests.length >= 2);
  });
}
