import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { chooseService, serviceName } from "./choose_service.ts";

const FOLDER = "/nix/var/nix/profiles";
const KNOWN = [`${FOLDER}/hail-profiles/web`, `${FOLDER}/hail-profiles/api`, "/srv/web", `${FOLDER}/batch`];

function choose(wanted: string | undefined, known: readonly string[] = KNOWN) {
  return chooseService(known, wanted, FOLDER, ["/var/lib/hail"]);
}

Deno.test("service: it is called by its name below the profiles folder, or by its path", () => {
  assert.deepEqual(KNOWN.map((one) => serviceName(one, FOLDER)), [
    ...["hail-profiles/web", "hail-profiles/api", "/srv/web", "batch"],
  ]);
});

for (
  const [wanted, profile] of [
    ["hail-profiles/web", KNOWN[0]],
    [`${FOLDER}/hail-profiles/web`, KNOWN[0]],
    ["/srv/web", "/srv/web"],
    ["api", KNOWN[1]],
    ["batch", KNOWN[3]],
  ] as const
) {
  Deno.test(`service: '${wanted}' is found`, () => assert.equal(choose(wanted), profile));
}

Deno.test("service: the only one needs no name", () => {
  assert.equal(choose(undefined, ["/srv/web"]), "/srv/web");
});

for (
  const [what, wanted, known, says] of [
    ["none is known", undefined, [], /^\/var\/lib\/hail: no service is known there/],
    ["none is known, whatever is asked for", "web", [], /no service is known there/],
    [
      "several are known",
      undefined,
      KNOWN,
      /which of 4.*Name one of: \/srv\/web, batch, hail-profiles\/api, /,
    ],
    [
      "several end in the name",
      "web",
      KNOWN,
      /several end in that name.*: hail-profiles\/web, \/srv\/web\.$/,
    ],
    [
      "the name is almost right",
      "bacth",
      KNOWN,
      /"bacth": there is none of that name\. Did you mean batch\?$/,
    ],
    ["the last part is almost right", "aip", KNOWN, /Did you mean api\?$/],
    ["the name is unlike all others", "database", KNOWN, /none of that name\. Name one of: /],
  ] as const
) {
  Deno.test(`service: the error is clear where ${what}`, () => {
    assert.throws(() => choose(wanted, known), (error) => {
      assert.ok(error instanceof Failure && error.exitStatus === 2);
      assert.match(`${error.message}. ${error.next}`, says);
      return true;
    });
  });
}

Deno.test("service: a password in a wrong name is not repeated", () => {
  assert.throws(() => choose("https://bob:s3cret@h/job/a/b/c"), (error) => !/s3cret/.test(String(error)));
});
