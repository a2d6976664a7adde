/** Proxies by the usual variables. Deno reads them when a client is made. */
import assert from "node:assert/strict";
import { assertFails, NEVER, startClient } from "../support/hydra_client.ts";
import { startRawServer } from "../support/raw_server.ts";

const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((
  name,
) => [name, name.toLowerCase()]);
const CREDENTIALS = { login: "hail", password: "correct horse battery" };

/** Sets variables of the environment until disposed of. */
function withEnvironment(variables: Readonly<Record<string, string>>): Disposable {
  const before = NAMES.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of NAMES) Deno.env.delete(name);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    },
  };
}

function startProxy() {
  return startRawServer(({ method }, answer) =>
    answer.write(
      method === "CONNECT"
        ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
        : "HTTP/1.1 302 Found\r\nLocation: /build/7\r\nContent-Length: 0\r\n\r\n",
    )
  );
}

for (const variable of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) {
  Deno.test(`proxy: http goes through the one in ${variable}`, async () => {
    await using proxy = startProxy();
    using _environment = withEnvironment({ [variable]: proxy.origin.replace("://", "://user:secret@") });
    using client = startClient("http://hydra.invalid", { credentials: CREDENTIALS });
    assert.equal(await client.hydra.latest(NEVER), 7);
    const [request] = proxy.requests;
    assert.equal(request?.target, "http://hydra.invalid/job/demo/main/web/latest");
    assert.equal(request?.headers.get("proxy-authorization"), `Basic ${btoa("user:secret")}`);
  });
}

for (const variable of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) {
  Deno.test(`proxy: https asks the one in ${variable} for a tunnel and shows it no credentials`, async () => {
    await using proxy = startProxy();
    using _environment = withEnvironment({ [variable]: proxy.origin.replace("://", "://user:secret@") });
    using client = startClient("https://hydra.invalid", { credentials: CREDENTIALS });
    const failure = await assertFails(
      client.hydra.latest(NEVER),
      "hydra-unreachable",
      /the proxy does not connect to it/,
    );
    assert.match(failure.next, /HTTPS_PROXY/);
    assert.doesNotMatch(failure.message + failure.next, /secret/);
    const [request] = proxy.requests;
    assert.equal(`${request?.method} ${request?.target}`, "CONNECT hydra.invalid:443");
    assert.equal(request?.headers.has("authorization"), false);
  });
}

for (const variable of ["NO_PROXY", "no_proxy"]) {
  Deno.test(`proxy: a host in ${variable} is asked directly`, async () => {
    await using proxy = startProxy();
    await using server = startProxy();
    using _environment = withEnvironment({ HTTP_PROXY: proxy.origin, [variable]: "example.org,127.0.0.1" });
    using client = startClient(server.origin);
    assert.equal(await client.hydra.latest(NEVER), 7);
    assert.equal(proxy.connections, 0);
    assert.equal(server.requests.length, 1);
  });
}
