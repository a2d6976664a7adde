import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { openJournal } from "../journal/open.ts";
import { databaseName } from "../journal/state_folder.ts";
import { parseProfile } from "../nix/profile_name.ts";
import type { Event } from "../report/event.ts";
import { encodeSettings } from "../settings/stored.ts";
import { systemClock } from "../time/system_clock.ts";
import type { Context } from "./context.ts";
import { findDatabases, openServices, readAgain, readServices, settingsOf } from "./services.ts";

const PROFILES = "/nix/var/nix/profiles";
const URI = "https://hydra.example/job/shop/main/web/latest";

/** A state folder with the databases of some services, by their profiles: the names in an agent's configuration. */
async function folderWith(services: Readonly<Record<string, string | null>>) {
  const folder = await Deno.makeTempDir({ prefix: "hail-services-" });
  await Deno.chmod(folder, 0o755);
  const events: Event[] = [];
  const context: Context = {
    env: { get: () => undefined, delete: () => {} },
    profilesFolder: PROFILES,
    report: (event) => events.push(event),
    tell: () => {},
    out: () => {},
    page: { columns: 80, terminal: false, colours: false },
    clock: systemClock,
  };
  for (const [name, configured] of Object.entries(services)) {
    const profile = parseProfile(name, PROFILES);
    openJournal({
      folder,
      profile,
      jobUri: URI,
      settings: encodeSettings({
        words: [`--profile=${profile}`, `--job-uri=${URI}`],
        agent: configured === null
          ? null
          : { name: configured, config: "/etc/hail/config.toml", onRemoval: "keep" },
        removing: null,
      }),
      gid: null,
      storeFolder: "/nix/store",
      now: Date.now,
      report: (event) => events.push(event),
    }).close();
  }
  events.length = 0;
  return {
    folder,
    context,
    events,
    open: (...wanted: readonly string[]) =>
      openServices({ services: wanted, all: false, stateDir: folder }, context),
    names: async (...wanted: readonly string[]) => {
      const { services } = await openServices({ services: wanted, all: false, stateDir: folder }, context);
      return services.map(({ name }) => name);
    },
    spoil: (name: string) =>
      Deno.writeTextFile(`${folder}/${databaseName(`${PROFILES}/${name}`)}`, "rubbish"),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("services: they are called as in the configuration, and found by profile and path as well", async () => {
  await using at = await folderWith({ "front/web": "shop", "api": "api", "old": null });
  for (const name of ["shop", "front/web", "web", `${PROFILES}/front/web`]) {
    assert.deepEqual(await at.names(name), ["shop"], name);
  }
  assert.deepEqual(await at.names("old", "shop", "api", "web", "api"), ["api", "old", "shop"]);
  const { services: [shop] } = await at.open("shop");
  assert.ok(shop !== undefined);
  assert.deepEqual([shop.profile, settingsOf(shop).name, shop.folder], [
    ...[`${PROFILES}/front/web`, "shop", at.folder],
  ]);
  const { services } = await openServices({ services: [], all: true, stateDir: at.folder }, at.context);
  assert.deepEqual(services.map(({ name }) => name), ["api", "old", "shop"]);
});

Deno.test("services: a name that is that of a profile, and of another service, is not guessed", async () => {
  await using at = await folderWith({ "front/web": "shop", "shop": null });
  await assert.rejects(at.open("shop"), /service shop: several are called that/);
  assert.deepEqual(await at.names("front/web", `${PROFILES}/shop`), [
    `${PROFILES}/front/web`,
    `${PROFILES}/shop`,
  ]);
});

Deno.test("services: what is named is found whatever is wrong with the others", async () => {
  await using at = await folderWith({ "api": "api", "old": null, "web": "web" });
  await at.spoil("web");
  assert.deepEqual(await at.names("api"), ["api"]);
  assert.deepEqual(await at.names("old"), ["old"]);
  assert.deepEqual(at.events, []);
  const damaged = (error: unknown) => error instanceof Failure && error.code === "state-damaged";
  await assert.rejects(at.open("web"), damaged);
  await assert.rejects(at.open("api", "web"), damaged);
  // What cannot be read may be what is meant.
  await assert.rejects(at.open("shop"), /"shop": there is none of that name/);
  assert.deepEqual(at.events.map(({ level }) => level), ["error"]);
  const all = await openServices({ services: [], all: true, stateDir: at.folder }, at.context);
  assert.deepEqual([all.services.length, all.unreadable.length], [2, 1]);
});

Deno.test("services: where none can be read, the reason is the failure", async () => {
  await using at = await folderWith({ "web": null });
  await at.spoil("web");
  const databases = await findDatabases({ stateDir: at.folder }, at.context);
  assert.throws(() => readServices(databases, at.context), Failure);
});

Deno.test("services: a name that would drive a terminal is made fit for it", async () => {
  await using at = await folderWith({ "web": "\u001b[31mred\nline" });
  const { services: [web] } = await at.open("web");
  assert.ok(web !== undefined);
  assert.match(web.name, /^[\x20-\x7e]+$/);
  assert.equal(readAgain(web, at.context).name, web.name);
});

Deno.test("services: settings that this hail does not understand are a failure of what needs them only", async () => {
  await using at = await folderWith({ "web": null });
  const { services: [web] } = await at.open("web");
  assert.ok(web !== undefined);
  assert.throws(() => settingsOf({ ...web, settings: null }), /does not understand how/);
});
