import assert from "node:assert/strict";
import { httpFault } from "./http_fault.ts";

const SENT = "error sending request from 127.0.0.1:1 for http://proxy.gzip.example.org/x (127.0.0.1:2): ";

Deno.test("httpFault() tells kinds apart by what stands behind the URI", () => {
  const texts = {
    "name":
      "client error (Connect): dns error: failed to lookup address information: Name or service not known",
    "network": "client error (Connect): tcp connect error: Network is unreachable (os error 101)",
    "connect": "client error (Connect): tcp connect error: No route to host (os error 113)",
    "certificate": "client error (Connect): invalid peer certificate: BadSignature",
    "tls": "client error (Connect): received corrupt message of type InvalidContentType",
    "proxy": "client error (Connect): unsuccessful tunnel",
    "cut": "client error (SendRequest): connection closed before message completed",
    "malformed": "client error (SendRequest): invalid HTTP version parsed",
  };
  for (const [kind, text] of Object.entries(texts)) {
    // Deno 2.5 throws the text itself, 2.9 has it as the cause.
    assert.equal(httpFault(new TypeError(SENT + text)).kind, kind);
    assert.equal(httpFault(new TypeError("fetch failed", { cause: new Error(SENT + text) })).kind, kind);
  }
});

Deno.test("httpFault() knows of what the other side has noticed nothing", () => {
  const of = (text: string) => httpFault(new TypeError(`${SENT}client error (Connect): ${text}`)).unnoticed;
  assert.equal(of("dns error: failed to lookup address information"), true);
  assert.equal(of("tcp connect error: Network is unreachable (os error 101)"), true);
  assert.equal(of("tcp connect error: Connection refused (os error 111)"), false);
  assert.equal(of("tcp connect error: No route to host (os error 113)"), false);
});

Deno.test("httpFault() keeps the URI out of the details", () => {
  const fault = httpFault(new TypeError(`${SENT}client error (SendRequest): invalid HTTP version parsed`));
  assert.equal(fault.details, "invalid HTTP version parsed");
});

Deno.test("httpFault() takes anything that is thrown", () => {
  assert.equal(httpFault("text").details, "text");
  assert.equal(httpFault(undefined).kind, "other");
});
