import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { type Choice, chooseServices, type Known, namesOf, serviceName } from "./choose_service.ts";

const FOLDER = "/nix/var/nix/profiles";
const WEB = `${FOLDER}/hail-profiles/web`;
const API = `${FOLDER}/hail-profiles/api`;
const KNOWN: readonly Known[] = [
  { profile: WEB, configured: null },
  { profile: API, configured: null },
  { profile: "/srv/web", configured: null },
  { profile: `${FOLDER}/batch`, configured: null },
  { profile: `${FOLDER}/shop`, configured: "store" },
];

function choose(
  wanted: string | readonly string[] | undefined,
  known: readonly Known[] = KNOWN,
  more: Partial<Choice> = {},
) {
  return chooseServices(known, {
    wanted: wanted === undefined ? [] : typeof wanted === "string" ? [wanted] : wanted,
    all: false,
    profilesFolder: FOLDER,
    places: ["/var/lib/hail"],
    ...more,
  });
}

Deno.test("service: a profile is called by its name below the profiles folder, or by its path", () => {
  assert.deepEqual(KNOWN.map(({ profile }) => serviceName(profile, FOLDER)), [
    ...["hail-profiles/web", "hail-profiles/api", "/srv/web", "batch", "shop"],
  ]);
});

Deno.test("service: it is called as in its agent's configuration, and two never the same", () => {
  assert.equal(namesOf(KNOWN, FOLDER).get(`${FOLDER}/shop`), "store");
  const alike = [{ profile: "/srv/x", configured: "batch" }, ...KNOWN];
  assert.deepEqual([...namesOf(alike, FOLDER).values()], [
    ...["/srv/x", "hail-profiles/web", "hail-profiles/api", "/srv/web", `${FOLDER}/batch`, "store"],
  ]);
});

for (
  const [wanted, profile] of [
    ["hail-profiles/web", WEB],
    [WEB, WEB],
    ["/srv/web", "/srv/web"],
    ["api", API],
    ["batch", `${FOLDER}/batch`],
    ["store", `${FOLDER}/shop`],
    ["shop", `${FOLDER}/shop`],
  ] as const
) {
  Deno.test(`service: '${wanted}' is found`, () => assert.deepEqual(choose(wanted), [profile]));
}

Deno.test("service: the only one needs no name", () => {
  assert.deepEqual(choose(undefined, [{ profile: "/srv/web", configured: null }]), ["/srv/web"]);
});

Deno.test("service: several are named, each is meant once, and they are in the order of their names", () => {
  assert.deepEqual(choose(["store", "batch", "shop", "api"]), [
    ...[`${FOLDER}/batch`, API, `${FOLDER}/shop`],
  ]);
});

Deno.test("service: all are meant", () => {
  const known = ["web", "api"].map((name) => ({ profile: `${FOLDER}/${name}`, configured: null }));
  assert.deepEqual(choose(undefined, known, { all: true }), [
    ...[`${FOLDER}/api`, `${FOLDER}/web`],
  ]);
});

const MANY = Array.from({ length: 1_000 }, (_, number) => ({
  profile: `${FOLDER}/web-${number}`,
  configured: null,
}));

for (
  const [what, wanted, known, says] of [
    ["none is known", undefined, [], /^\/var\/lib\/hail: no service is known there/],
    ["none is known, whatever is asked for", "web", [], /no service is known there/],
    [
      "several are known",
      undefined,
      KNOWN,
      /which of 5.*Name one or more of: \/srv\/web, batch, hail-profiles\/api, .*, store; or say --all\.$/,
    ],
    ["very many are known", undefined, MANY, /which of 1000.*, web-115 and 980 more, see `hail status`;/],
    [
      "several end in the name",
      "web",
      KNOWN,
      /several end in that name.*: hail-profiles\/web, \/srv\/web\.$/,
    ],
    [
      "one is called as the profile of another",
      "batch",
      [...KNOWN, { profile: "/srv/x", configured: "batch" }],
      /service batch: several are called that.*: \/nix\/var\/nix\/profiles\/batch, \/srv\/x\.$/,
    ],
    [
      "one of several is wrong",
      ["web", "bacth"],
      [{ profile: WEB, configured: null }],
      /"bacth": there is none of that name/,
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
