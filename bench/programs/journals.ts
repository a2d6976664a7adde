/**
 * Opens the journals of many services, as an agent does, and tells what they cost, as JSON: `journals.ts FOLDER SERVICES`. It
 * needs V8's `--expose-gc`.
 */
import { type OpenJournal, openJournal } from "../../lib/journal/open.ts";
import { stepAfter } from "../../tests/support/journal_samples.ts";
import { cpuTime, type Memory, memory } from "../process_meter.ts";

/** What a thing costs for one service: milliseconds, and of processor time. */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** What is told. */
export interface JournalCosts {
  /** For one service, in kB. */
  readonly memory: Memory;
  readonly open: Cost;
  readonly lazyNote: Cost;
  /** Opens the database again, writes, and closes another one. */
  readonly write: Cost;
  /** Writes into the database that is open. */
  readonly transition: Cost;
}

/** How often a lazy note is made for each journal: it is too short to be measured once. */
const LAZY_NOTES = 1_000;

async function main([folder = "", count = ""]: readonly string[]): Promise<JournalCosts> {
  const services = Number(count);
  const open = (number: number) =>
    openJournal({
      folder,
      profile: `/nix/var/nix/profiles/service-${number}`,
      jobUri: "https://hydra.example.org/job/a/b/c/latest",
      settings: JSON.stringify(["--profile", `/nix/var/nix/profiles/service-${number}`]),
      gid: null,
      now: Date.now,
      report: ({ message }) => Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`)),
      idleClose: true,
      lazyLimit: 3600_000,
    });
  const step = (journal: OpenJournal) => journal.write(stepAfter(journal.record, Date.now()));
  // What is made once is none of the cost of a service.
  for (let number = 0; number < services; number++) {
    const journal = open(number);
    for (let steps = 0; steps < 6; steps++) step(journal);
    journal.close();
  }
  const before = await memoryAtRest();
  const journals: OpenJournal[] = [];
  const opened = await measure(services, () => {
    for (let number = 0; number < services; number++) journals.push(open(number));
  });
  const after = await memoryAtRest();
  const note = (lazily: boolean) => {
    for (const journal of journals) journal.note({ polledAt: Date.now() }, lazily);
  };
  const lazyNote = await measure(services * LAZY_NOTES, () => {
    for (let time = 0; time < LAZY_NOTES; time++) note(true);
  });
  const write = await measure(services, () => note(false));
  const [first] = journals;
  if (first === undefined) throw new Error("there is no journal");
  const transition = await measure(services, () => {
    for (let time = 0; time < services; time++) step(first);
  });
  return {
    memory: {
      resident: (after.resident - before.resident) / services,
      private: (after.private - before.private) / services,
    },
    open: opened,
    lazyNote,
    write,
    transition,
  };
}

async function memoryAtRest(): Promise<Memory> {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") throw new Error("--expose-gc is missing");
  collect();
  return await memory(Deno.pid);
}

async function measure(times: number, act: () => void): Promise<Cost> {
  const [cpu, wall] = [await cpuTime(Deno.pid), performance.now()];
  act();
  const [cpuNow, wallNow] = [await cpuTime(Deno.pid), performance.now()];
  return { wall: (wallNow - wall) / times, cpu: (cpuNow.own - cpu.own) / times };
}

if (import.meta.main) {
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(await main(Deno.args))));
}
