import assert from "node:assert/strict";
import { readCertificates, SYSTEM_BUNDLES } from "./certificates.ts";

const ONE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
const TWO = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----";

/** Reads with some files and variables; every file that is opened is noted. */
async function read(
  variables: Record<string, string>,
  files: Record<string, string>,
  origin = "https://hydra",
) {
  const opened: string[] = [];
  const certificates = await readCertificates(origin, { get: (name) => variables[name] }, (file) => {
    opened.push(file);
    const text = files[file];
    return text === undefined ? Promise.reject(new Deno.errors.NotFound()) : Promise.resolve(text);
  });
  return { certificates, opened };
}

Deno.test("readCertificates() reads nothing for http", async () => {
  const { certificates, opened } = await read({ SSL_CERT_FILE: "/missing" }, {}, "http://hydra");
  assert.deepEqual(certificates, { file: null, pem: [] });
  assert.deepEqual(opened, []);
});

Deno.test("readCertificates() prefers NIX_SSL_CERT_FILE, then SSL_CERT_FILE, then the system's bundle", async () => {
  const files = { "/nix.pem": ONE, "/ssl.pem": TWO, [SYSTEM_BUNDLES[1]]: `# authorities\n${ONE}\n${TWO}\n` };
  const both = { NIX_SSL_CERT_FILE: "/nix.pem", SSL_CERT_FILE: "/ssl.pem" };
  assert.deepEqual((await read(both, files)).certificates, { file: "/nix.pem", pem: [ONE] });
  assert.deepEqual((await read({ SSL_CERT_FILE: "/ssl.pem" }, files)).certificates, {
    file: "/ssl.pem",
    pem: [TWO],
  });
  assert.deepEqual((await read({ NIX_SSL_CERT_FILE: "", SSL_CERT_FILE: "" }, files)).certificates, {
    file: SYSTEM_BUNDLES[1],
    pem: [ONE, TWO],
  });
});

Deno.test("readCertificates() goes on without a system bundle", async () => {
  const { certificates, opened } = await read({}, { [SYSTEM_BUNDLES[0]]: "nothing in here" });
  assert.deepEqual(certificates, { file: null, pem: [] });
  assert.deepEqual(opened, SYSTEM_BUNDLES);
});

Deno.test("readCertificates() refuses a named file that is missing or holds no certificate", async () => {
  const named = { NIX_SSL_CERT_FILE: "/own.pem", SSL_CERT_FILE: "/ssl.pem" };
  const message = (why: string) => ({
    code: "usage",
    message: `/own.pem (named by NIX_SSL_CERT_FILE): ${why}`,
  });
  await assert.rejects(read(named, { "/ssl.pem": ONE }), message("there is no such file"));
  const key = ONE.replaceAll("CERTIFICATE", "PRIVATE KEY");
  await assert.rejects(read(named, { "/own.pem": key, "/ssl.pem": ONE }), message("it holds no certificate"));
});

Deno.test("readCertificates() tells a file that cannot be read from one that is missing", async () => {
  const denied = () => Promise.reject(new Deno.errors.PermissionDenied());
  await assert.rejects(readCertificates("https://hydra", { get: () => "/own.pem" }, denied), {
    code: "usage",
    message: "/own.pem (named by NIX_SSL_CERT_FILE): it cannot be read",
  });
});
