import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { readServiceWords } from "./words.ts";

const PROFILE = "/nix/var/nix/profiles/web";
const PLAIN = [`--profile=${PROFILE}`, "--job-uri=https://hydra.example/job/shop/main/web"];

Deno.test("words: what hail 0.3 remembered of its start is understood", () => {
  const read = readServiceWords([
    ...PLAIN,
    ...["--oneshot", "--state-dir=/srv/hail", "--log-level=debug", "--log-format=json"],
    ...["--poll-period=10", "--confirm-hydra", "--soak-time=0s", "--netrc-file=/etc/n"],
    ...["--health-check=tcp localhost:80", '--health-check=exec "/bin/look --at=web" name=look'],
  ], PROFILE);
  assert.equal(read.name, PROFILE);
  assert.equal(read.period, 600_000);
  assert.deepEqual([read.confirm, read.soak, read.netrcFile], [120_000, 0, "/etc/n"]);
  assert.deepEqual(read.healthChecks.map(({ name }) => name), ["tcp localhost:80", "look"]);
  // What means nothing to a service is forgotten, and so is what would be so anyway.
  assert.ok(!read.words.some((word) => /oneshot|state-dir|log-/.test(word)));
  assert.deepEqual(readServiceWords(read.words, PROFILE), read);
});

Deno.test("words: what would be so anyway is not among them", () => {
  const read = readServiceWords([...PLAIN, "--poll-period=5m", "--activation-runner=auto"], PROFILE);
  assert.deepEqual(read, readServiceWords(PLAIN, PROFILE));
  assert.deepEqual(read.words, PLAIN);
});

for (
  const words of [
    [],
    ["--profile=/p/web"],
    [...PLAIN, "--from-the-future"],
    [...PLAIN, "--from-the-future=1"],
    [...PLAIN, "--poll-period"],
    [...PLAIN, "--poll-period=soon"],
    [...PLAIN, "--refuse-downgrade=yes"],
    [...PLAIN, "--keep-days=1", "--keep-days=2"],
    [...PLAIN, "--netrc-file=relative"],
    [...PLAIN, "--after=api"],
    [...PLAIN, "poll-period=5"],
    [...PLAIN, ""],
    ["--profile=web", PLAIN[1] ?? ""],
  ]
) {
  Deno.test(`words that are not understood are refused: ${words.join(" ")}`, () => {
    assert.throws(() => readServiceWords(words, PROFILE), (error) => {
      return error instanceof Failure && error.code === "usage" &&
        /does not understand how/.test(error.message) &&
        error.message.startsWith(PROFILE);
    });
  });
}
