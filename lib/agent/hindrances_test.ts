import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { readHindrances } from "../journal/hindrances.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { readServiceWords } from "../settings/words.ts";
import { parseProfile } from "../nix/profile_name.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Hindrances } from "./hindrances.ts";

const settings = (name: string): ServiceSettings => {
  const profile = parseProfile(name, "/p");
  return {
    ...readServiceWords([`--profile=${profile}`, "--job-uri=http://h/job/a/b/c/latest"], profile),
    name,
  };
};
const failure = new Failure("netrc-unusable", {
  what: "netrc",
  why: "it does not exist",
  next: "Create it.",
});

Deno.test("hindrances: changes are gathered, and the file goes with the agent", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hail-hindrances-" });
  const clock = new VirtualClock();
  const names = () => readHindrances(folder).map(({ name }) => name);
  const hindrances = new Hindrances(folder, null, clock);
  hindrances.begin();
  const [web, api] = [settings("web"), settings("api")];
  hindrances.note(web, { failure, failures: 1, retryAt: clock.now() + 2_500.5 });
  hindrances.note(api, { failure, failures: 1, retryAt: null });
  assert.deepEqual(names(), []);
  await clock.advance(1_000);
  assert.deepEqual(names(), ["web", "api"]);
  const [first] = readHindrances(folder);
  assert.deepEqual(first?.failure, {
    at: clock.now() - 1_000,
    code: "netrc-unusable",
    message: "netrc: it does not exist",
    next: "Create it.",
  });
  hindrances.note(web, { failure, failures: 2, retryAt: null });
  hindrances.forget(api.profile);
  hindrances.forget(api.profile);
  await clock.advance(1_000);
  assert.deepEqual(readHindrances(folder).map(({ name, failures }) => [name, failures]), [["web", 2]]);
  hindrances.note(api, { failure, failures: 1, retryAt: null });
  await hindrances.close();
  assert.deepEqual([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("hindrances: an agent that never began leaves the file of another one alone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hail-hindrances-" });
  await Deno.writeTextFile(`${folder}/hindrances.json`, "[]");
  await new Hindrances(folder, null, new VirtualClock()).close();
  assert.equal(await Deno.readTextFile(`${folder}/hindrances.json`), "[]");
  await Deno.remove(folder, { recursive: true });
});
