import assert from "node:assert/strict";
import type { Presence } from "../control/client.ts";
import { listen } from "../control/server.ts";
import { emptyRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { databaseName, socketsBeside } from "../journal/state_folder.ts";
import { lockProfile } from "../nix/profile_lock.ts";
import { DEFAULT_STORE_FOLDER } from "../nix/store_path.ts";
import type { StoredSettings } from "../settings/stored.ts";
import { systemClock } from "../time/system_clock.ts";
import { findAgents, presenceOf } from "./find_agents.ts";
import { profileOf, type Service } from "./services.ts";

const CLASSIC: StoredSettings = { words: [], agent: null, removing: null };
const OF_AN_AGENT: StoredSettings = {
  words: [],
  agent: { name: "web", config: "/etc/hail/config.toml", onRemoval: "keep" },
  removing: null,
};
const PROFILE = "/p/web";

type Heard = Readonly<Record<string, Presence>>;

for (
  const [what, settings, heard, presence] of [
    ["nobody", CLASSIC, {}, "absent"],
    ["a hail of its own, asked about it", CLASSIC, { [`own ${PROFILE}`]: "answers" }, "answers"],
    ["a hail of its own, asked about all", CLASSIC, { "own null": "silent" }, "silent"],
    ["a hail of its own that may not be asked", OF_AN_AGENT, { "own null": "denied" }, "denied"],
    ["an agent that keeps it", OF_AN_AGENT, { [`agent ${PROFILE}`]: "answers" }, "answers"],
    ["an agent that has only just taken it", CLASSIC, { [`agent ${PROFILE}`]: "answers" }, "answers"],
    ["an agent that does not keep it any more", OF_AN_AGENT, { [`agent ${PROFILE}`]: "absent" }, "absent"],
    ["an agent, asked about all", OF_AN_AGENT, { "agent null": "answers" }, "answers"],
    ["an agent, which never kept it", CLASSIC, { "agent null": "answers" }, "absent"],
    ["an agent that hangs", OF_AN_AGENT, { [`agent ${PROFILE}`]: "silent" }, "silent"],
    ["an agent that hangs, and never kept it", CLASSIC, { [`agent ${PROFILE}`]: "silent" }, "absent"],
    ["an agent, and settings that are not understood", null, { "agent null": "answers" }, "absent"],
    ["its own socket that was left behind, and an agent", OF_AN_AGENT, {
      "own null": "absent",
      "agent null": "answers",
    }, "answers"],
  ] as const satisfies readonly (readonly [string, StoredSettings | null, Heard, Presence])[]
) {
  Deno.test(`agents: ${what}: ${presence}`, () => {
    const answers: Heard = heard;
    const service = { profile: PROFILE, settings, sockets: ["own", "agent"] as const };
    assert.equal(presenceOf(service, (socket, profile) => answers[`${socket} ${profile}`]), presence);
  });
}

Deno.test("agents: each socket is asked once for many services, or about each that is named", async () => {
  const folder = await Deno.makeTempDir();
  const services = ["a", "b", "c"].map((name): Service => {
    const profile = `${folder}/${name}`;
    const file = `${folder}/${databaseName(profile)}`;
    return {
      ...{ name, profile, file, folder, settings: OF_AN_AGENT, writtenAt: null },
      jobUri: "https://hydra.example/job/a/b/c/latest",
      record: emptyRecord(0),
      sockets: socketsBeside(file),
      hindrance: null,
      isRemembered: true,
    };
  });
  const [a, b, c] = services;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const pings: (string | null)[] = [];
  const serve = (path: string, keeps: readonly string[]) =>
    listen({
      path,
      gid: null,
      storeFolder: DEFAULT_STORE_FOLDER,
      handle: () => Promise.reject(new Error("nothing was to be asked")),
      ping: (profile) => {
        pings.push(profile);
        if (profile === null || keeps.includes(profile)) return;
        throw new Failure("unknown-service", { what: profile, why: "unknown", next: "-" });
      },
      report: () => {},
      clock: systemClock,
    });
  const agent = serve(a.sockets[1], [a.profile]);
  const own = serve(c.sockets[0], [c.profile]);
  const lock = await lockProfile(profileOf(b), DEFAULT_STORE_FOLDER);
  try {
    const context = { clock: systemClock };
    const seen = async (about: readonly string[] | readonly Service[]) => {
      pings.length = 0;
      const agents = await findAgents(about, context);
      return await Promise.all([a, b, c].map(async (one) => (await agents.agentOf(one)).is));
    };
    assert.deepEqual(await seen(services.map(({ file }) => file)), ["running", "running", "running"]);
    assert.deepEqual(pings, [null, null]);
    assert.deepEqual(await seen(services), ["running", "holding", "running"]);
    assert.deepEqual(pings.toSorted(), [a.profile, b.profile, c.profile, c.profile].toSorted());
    lock.release();
    assert.deepEqual(await seen(services), ["running", "absent", "running"]);
  } finally {
    await agent.close();
    await own.close();
    await Deno.remove(folder, { recursive: true });
  }
});
