/**
 * Takes steps in the journal of a service as fast as it can, and tells of each that is written: `journal_writer.ts FOLDER
 * [crowded]`. In a crowd the database is closed after each step, as by an agent of many services.
 */
import { OPEN_MAX } from "../../lib/journal/connection.ts";
import { openJournal } from "../../lib/journal/open.ts";
import { stepAfter } from "./journal_samples.ts";

const [folder = "", mode] = Deno.args;
const open = (folder: string, profile: string) =>
  openJournal({
    folder,
    profile,
    jobUri: "https://hydra.example.org/job/a/b/c/latest",
    settings: "{}",
    gid: null,
    idleClose: mode === "crowded",
    now: Date.now,
    report: ({ message }) => Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`)),
  });
const others = Array.from(
  { length: mode === "crowded" ? OPEN_MAX : 0 },
  (_, number) => open(`${folder}.others`, `/nix/var/nix/profiles/other-${number}`),
);
const journal = open(folder, "/nix/var/nix/profiles/web");
for (let step = 1;; step++) {
  journal.write(stepAfter(journal.record, Date.now()));
  Deno.stdout.writeSync(new TextEncoder().encode(`${step}\n`));
  for (const other of others) other.note({ polledAt: Date.now() });
}
