import assert from "node:assert/strict";
import fc from "fast-check";
import { credentialsFor } from "./lookup.ts";
import { parseNetrc } from "./parse.ts";
import { NetrcSyntaxError } from "./syntax_error.ts";

const lookUp = (text: string, host: string) => credentialsFor(parseNetrc(text), host);

Deno.test("netrc: an entry for the host wins over default, wherever it stands", () => {
  const machine = "machine hydra.example.org login l password p\n";
  const fallback = "default login d password q\n";
  for (const text of [machine + fallback, fallback + machine]) {
    assert.deepEqual(lookUp(text, "hydra.example.org"), { login: "l", password: "p" });
    assert.deepEqual(lookUp(text, "other.example.org"), { login: "d", password: "q" });
  }
  assert.equal(lookUp(machine, "other.example.org"), null);
  assert.equal(lookUp("", "hydra.example.org"), null);
});

Deno.test("netrc: of several entries the first that says something counts", () => {
  const text =
    "machine a\nmachine a account x\nmachine a password p\nmachine a login l\ndefault\ndefault login d";
  assert.deepEqual(lookUp(text, "a"), { login: "", password: "p" });
  assert.deepEqual(lookUp(text, "b"), { login: "d", password: "" });
});

Deno.test("netrc: a machine without login and password keeps its host from default", () => {
  assert.equal(lookUp("machine a default login d password q", "a"), null);
});

Deno.test("netrc: an empty login or password is one", () => {
  assert.deepEqual(lookUp('machine a login "" password ""', "a"), { login: "", password: "" });
});

Deno.test("netrc: a host is its whole name, in upper or lower case", () => {
  const text = "machine Hydra.Example.org login l";
  assert.notEqual(lookUp(text, "hydra.example.ORG"), null);
  for (const host of ["example.org", "hydra.example.org.evil.example", "xhydra.example.org", "hydra", ""]) {
    assert.equal(lookUp(text, host), null, host);
  }
});

Deno.test("netrc: an IPv6 address is found with and without brackets and in any spelling", () => {
  for (const machine of ["::1", "[::1]", "0:0:0:0:0:0:0:1", "[0:0::1]", "0000::0001"]) {
    for (const host of ["[::1]", "::1", new URL("http://[0:0:0:0:0:0:0:1]/").hostname]) {
      assert.deepEqual(
        lookUp(`machine ${machine} login l`, host),
        { login: "l", password: "" },
        `${machine} ${host}`,
      );
    }
    assert.equal(lookUp(`machine ${machine} login l`, "[::2]"), null);
  }
  assert.notEqual(lookUp("machine FE80::ABCD login l", "[fe80::abcd]"), null);
});

Deno.test("netrc: credentials are those of the host's first entry, or of default", () => {
  const name = fc.constantFrom("a", "A", "b", "c", null);
  const value = fc.option(fc.constantFrom("x", "y", "z"));
  fc.assert(fc.property(fc.array(fc.tuple(name, value, value), { maxLength: 6 }), (entries) => {
    const text = entries.map(([machine, login, password]) =>
      (machine === null ? "default" : `machine ${machine}`) + (login === null ? "" : ` login ${login}`) +
      (password === null ? "" : ` password ${password}`)
    ).join("\n");
    const ofHost = entries.filter(([machine]) => machine === "a" || machine === "A");
    const candidates = ofHost.length > 0 ? ofHost : entries.filter(([machine]) => machine === null);
    const [, login, password] = candidates.find(([, login, password]) =>
      login !== null || password !== null
    ) ?? [];
    const expected = login === undefined ? null : { login: login ?? "", password: password ?? "" };
    assert.deepEqual(lookUp(text, "a"), expected, text);
  }));
});

Deno.test("netrc: credentials that HTTP cannot carry are refused with their place, and only for their host", () => {
  const rows: [text: string, line: number, column: number, why: RegExp][] = [
    ['machine a login l\npassword "S3CRET\\n"', 2, 10, /password has a control character/],
    ['machine a login "S3CRET\\r" password p', 1, 17, /login has a control character/],
    ["machine a login l password S3CRET\x7f", 1, 28, /password has a control character/],
    ["machine a\n login S3CRET:x", 2, 8, /login has a colon/],
  ];
  for (const [text, line, column, why] of rows) {
    assert.throws(() => lookUp(text, "a"), (error) => {
      assert(error instanceof NetrcSyntaxError);
      assert.deepEqual([error.line, error.column], [line, column], text);
      assert.match(error.why, why);
      return !error.message.includes("S3CRET");
    });
    assert.equal(lookUp(text, "b"), null);
  }
  assert.deepEqual(lookUp("machine a login l password p:q", "a"), { login: "l", password: "p:q" });
});
