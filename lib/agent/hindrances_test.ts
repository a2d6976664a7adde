import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { readUnopened } from "../journal/unopened.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { readServiceWords } from "../settings/words.ts";
import { parseProfile } from "../nix/profile_name.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Unopened } from "./unopened.ts";

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

Deno.test("unopened: changes are gathered, and the file goes with the agent", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hail-unopened-" });
  const clock = new VirtualClock();
  const names = () => readUnopened(folder).map(({ name }) => name);
  const unopened = new Unopened(folder, null, clock);
  unopened.begin();
  const [web, api] = [settings("web"), settings("api")];
  unopened.note(web, { failure, failures: 1, retryAt: clock.now() + 2_500.5 });
  unopened.note(api, { failure, failures: 1, retryAt: null });
  assert.deepEqual(names(), []);
  await clock.advance(1_000);
  assert.deepEqual(names(), ["web", "api"]);
  const [first] = readUnopened(folder);
  assert.deepEqual(first?.failure, {
    at: clock.now() - 1_000,
    code: "netrc-unusable",
    message: "netrc: it does not exist",
    next: "Create it.",
  });
  unopened.note(web, { failure, failures: 2, retryAt: null });
  unopened.forget(api.profile);
  unopened.forget(api.profile);
  await clock.advance(1_000);
  assert.deepEqual(readUnopened(folder).map(({ name, failures }) => [name, failures]), [["web", 2]]);
  unopened.note(api, { failure, failures: 1, retryAt: null });
  await unopened.close();
  assert.deepEqual([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("unopened: an agent that never began leaves the file of another one alone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hail-unopened-" });
  await Deno.writeTextFile(`${folder}/unopened.json`, "[]");
  await new Unopened(folder, null, new VirtualClock()).close();
  assert.equal(await Deno.readTextFile(`${folder}/unopened.json`), "[]");
  await Deno.remove(folder, { recursive: true });
});
