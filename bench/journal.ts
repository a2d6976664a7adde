/**
 * What the journals of many services cost in one process.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Cost, JournalCosts } from "./programs/journals.ts";
import type { Findings } from "./report.ts";

const PROGRAM = fileURLToPath(new URL("programs/journals.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

const SERVICES = 1_000;

/** Measures it in a process of its own, with this Deno. */
export async function measureJournal(folder: string): Promise<Findings> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--config", CONFIG, "--v8-flags=--expose-gc"],
      ...[PROGRAM, `${folder}/journals`, String(SERVICES)],
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("the journals could not be measured");
  const costs: JournalCosts = JSON.parse(new TextDecoder().decode(stdout));
  const { memory, lazyNote } = costs;
  const show = ({ wall, cpu }: Cost) => `${wall.toFixed(2)} ms, ${cpu.toFixed(2)} ms of CPU`;
  return {
    rows: [
      {
        what: `${SERVICES} journals: memory of each`,
        hail: `${memory.resident.toFixed(1)} kB, ${memory.private.toFixed(1)} kB private`,
      },
      { what: "A journal is opened at the start", hail: show(costs.open) },
      { what: "A lazy note", hail: `${(1e6 * lazyNote.wall).toFixed(0)} ns` },
      { what: "A write to a database that was closed for a while", hail: show(costs.write) },
      { what: "A transition, where the database is open", hail: show(costs.transition) },
    ],
    aims: [],
  };
}
