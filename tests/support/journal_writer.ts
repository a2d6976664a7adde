/** Takes steps in the journal of a service as fast as it can, and tells of each that is written: `journal_writer.ts FOLDER [idle]`. */
import { openJournal } from "../../lib/journal/open.ts";
import { stepAfter } from "./journal_samples.ts";

const [folder = "", idle] = Deno.args;
const journal = openJournal({
  folder,
  profile: "/nix/var/nix/profiles/web",
  jobUri: "https://hydra.example.org/job/a/b/c/latest",
  settings: "{}",
  gid: null,
  idleClose: idle === "idle",
  now: Date.now,
  report: ({ message }) => Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`)),
});
for (let step = 1;; step++) {
  journal.write(stepAfter(journal.record, Date.now()));
  Deno.stdout.writeSync(new TextEncoder().encode(`${step}\n`));
}
