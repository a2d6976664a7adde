import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import {
  choice,
  endpoint,
  file,
  folder,
  type Notation,
  profile,
  serviceName,
  serviceNames,
  type Where,
} from "./notation.ts";

const FILE: Where = { profilesFolder: "/p", relativePaths: false };
const COMMAND_LINE: Where = { profilesFolder: "/p", relativePaths: true };

function refuses(notation: Notation<unknown>, text: string, says: RegExp, where = FILE) {
  assert.throws(() => notation.read(text, where), (error) => {
    return error instanceof Failure && error.code === "usage" && says.test(`${error.message}. ${error.next}`);
  }, text);
}

Deno.test("notation: an address to listen on has a port", () => {
  assert.deepEqual(endpoint.read("127.0.0.1:8080", FILE), { hostname: "127.0.0.1", port: 8080 });
  assert.deepEqual(endpoint.read("host.example:1", FILE), { hostname: "host.example", port: 1 });
  assert.deepEqual(endpoint.read("[::1]:65535", FILE), { hostname: "::1", port: 65_535 });
  for (
    const text of [
      ...["", ":80", "h", "h:", "h:0", "h:65536", "h:080000", "h:-1", "h:8o", "::1:80", "[::1]", "[]:80"],
      ...["http://h:80", "-h:80", "a b:80", "h:80\n", "bob:s3cret@h:80"],
    ]
  ) refuses(endpoint, text, /no address with a port.*127\.0\.0\.1:8080/);
});

Deno.test("notation: the name of a service fits into file names and command lines", () => {
  for (const text of ["a", "9", "Web.api_v2-x", "x".repeat(100)]) {
    assert.equal(serviceName.read(text, FILE), text);
    assert.deepEqual(serviceNames.read(text, FILE), [text]);
  }
  for (const text of ["", "-a", ".a", "_a", "a/b", "a b", "ä", "a\n", "a\u0000"]) {
    refuses(serviceName, text, /no name of a service/);
  }
  refuses(serviceName, "x".repeat(101), /longer than 100 characters/);
});

Deno.test("notation: one of a few words, with a suggestion", () => {
  const notation = choice(["respect", "hold"]);
  assert.equal(notation.read("hold", FILE), "hold");
  refuses(notation, "hol", /not one of respect, hold.*Did you mean hold\?/);
  refuses(notation, "constructor", /Write one of them/);
});

Deno.test("notation: a path is absolute, where there is no working folder", () => {
  assert.equal(file.read("netrc", COMMAND_LINE), "netrc");
  assert.equal(file.read("/etc/netrc", FILE), "/etc/netrc");
  refuses(file, "netrc", /not the absolute path of a file/);
  refuses(file, "", /not the absolute path/);
  refuses(file, "", /it is empty/, COMMAND_LINE);
  refuses(file, "/a\nb", /control character/);
  assert.equal(folder.read("/srv//hail/", FILE), "/srv/hail");
  refuses(folder, "hail", /absolute path of a folder/, COMMAND_LINE);
});

Deno.test("notation: a profile has a name, or where no folder is known, a path", () => {
  assert.equal(profile.read("a/b", FILE), "/p/a/b");
  const nowhere = { profilesFolder: null, relativePaths: false };
  assert.equal(profile.read("/x/y", nowhere), "/x/y");
  refuses(profile, "a/b", /not an absolute path/, nowhere);
});
