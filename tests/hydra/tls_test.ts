/** Hydra over https: whose certificates are trusted, and what is said of the others. */
import assert from "node:assert/strict";
import { readCertificates } from "../../lib/hydra/certificates.ts";
import { createHttp } from "../../lib/hydra/http.ts";
import { assertFails, NEVER, startClient } from "../support/hydra_client.ts";
import { type RawServer, startRawServer } from "../support/raw_server.ts";

const FOLDER = new URL("./tls/", import.meta.url);
const AUTHORITY = new URL("authority.pem", FOLDER).pathname;

async function startTlsServer(certificate: string, location = () => "/build/7"): Promise<RawServer> {
  const cert = await Deno.readTextFile(new URL(`${certificate}.pem`, FOLDER));
  const key = await Deno.readTextFile(new URL("server.key", FOLDER));
  return startRawServer(
    (_request, answer) =>
      answer.write(`HTTP/1.1 302 Found\r\nLocation: ${location()}\r\nContent-Length: 0\r\n\r\n`),
    { cert, key },
  );
}

function read(origin: string, variables: Record<string, string>) {
  const env = { get: (name: string) => variables[name] };
  return readCertificates(origin, env, (file) => Deno.readTextFile(file));
}

for (const variable of ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"]) {
  Deno.test(`tls: an authority named in ${variable} is trusted`, async () => {
    await using server = await startTlsServer("server");
    using client = startClient(server.origin, {
      certificates: await read(server.origin, { [variable]: AUTHORITY }),
      credentials: { login: "hail", password: "secret" },
    });
    assert.equal(await client.hydra.latest(NEVER), 7);
    assert.equal(await client.hydra.latest(NEVER), 7);
    assert.equal(server.connections, 1);
    assert.ok(server.requests[0]?.headers.has("authorization"));
  });
}

Deno.test("tls: a Location of http does not lead away from https", async () => {
  await using plain = startRawServer(() => {});
  const places = [
    `${plain.origin}/build/7`,
    `${plain.origin}/job/demo/new/web/latest`,
    `${plain.origin}/login`,
  ];
  let place = "";
  await using server = await startTlsServer("server", () => place);
  const certificates = await read(server.origin, { SSL_CERT_FILE: AUTHORITY });
  const outcomes: unknown[] = [];
  for (place of places) {
    using client = startClient(server.origin, {
      certificates,
      credentials: { login: "hail", password: "secret" },
    });
    outcomes.push(await client.hydra.latest(NEVER).catch((error) => error.code));
  }
  // The second is followed to the new name at the own origin, where it is the same answer again.
  assert.deepEqual(outcomes, [7, "hydra-unusable", "hydra-unusable"]);
  assert.deepEqual(server.requests.map((request) => request.target.split("/")[3]), [
    "main",
    "main",
    "new",
    "main",
  ]);
  assert.equal(plain.connections, 0);
});

Deno.test("tls: an unknown authority is refused before anything is sent, with a hint", async () => {
  await using server = await startTlsServer("server");
  using client = startClient(server.origin, { credentials: { login: "hail", password: "secret" } });
  const failure = await assertFails(
    client.hydra.latest(NEVER),
    "hydra-unreachable",
    /signed by an authority that is not trusted here \(.*UnknownIssuer\)$/,
  );
  assert.match(failure.next, /NIX_SSL_CERT_FILE/);
  assert.equal(server.requests.length, 0);
});

Deno.test("tls: a certificate for another name is refused", async () => {
  await using server = await startTlsServer("other-name");
  using client = startClient(server.origin, {
    certificates: await read(server.origin, { SSL_CERT_FILE: AUTHORITY }),
  });
  await assertFails(
    client.hydra.latest(NEVER),
    "hydra-unreachable",
    /certificate is for another name \(.*127\.0\.0\.1/,
  );
  assert.equal(server.requests.length, 0);
});

Deno.test("tls: a certificate that has expired is refused", async () => {
  await using server = await startTlsServer("expired");
  using client = startClient(server.origin, {
    certificates: await read(server.origin, { SSL_CERT_FILE: AUTHORITY }),
  });
  await assertFails(client.hydra.latest(NEVER), "hydra-unreachable", /certificate has expired \(/);
  assert.equal(server.requests.length, 0);
});

Deno.test("tls: https to a port that speaks http is told apart", async () => {
  // The greeting of TLS is no HTTP request, so a plain listener stands in for the raw server.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = (async () => {
    const conn = await listener.accept();
    await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    conn.close();
  })();
  using client = startClient(`https://127.0.0.1:${listener.addr.port}`);
  const failure = await assertFails(
    client.hydra.latest(NEVER),
    "hydra-unreachable",
    /does not speak TLS on this port/,
  );
  assert.match(failure.next, /http:\/\//);
  await answering;
  listener.close();
});

Deno.test("tls: one certificate that cannot be read does not cost the others", async () => {
  await using server = await startTlsServer("server");
  const { pem } = await read(server.origin, { SSL_CERT_FILE: AUTHORITY });
  const odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  using client = startClient(server.origin, { certificates: { file: "bundle", pem: [odd, ...pem, odd] } });
  assert.equal(await client.hydra.latest(NEVER), 7);
});

Deno.test("tls: a file of which no certificate can be read is wrong use", () => {
  const odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  assert.throws(() => createHttp({ file: "/somewhere/odd.pem", pem: [odd] }), {
    code: "usage",
    message: "/somewhere/odd.pem: none of the certificates in it can be read",
  });
});
