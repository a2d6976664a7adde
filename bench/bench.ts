/**
 * Measures hail: `deno task bench [PART...]`. The parts are `size`, `start`, `deployment`, `poll`, `journal`, `fleet`
 * and `agent`; all of them unless some are named. The result is a table in Markdown on standard output; the exit
 * status is 0 whatever it says, since a busy machine is no fault of hail.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { ensurePackages } from "../scripts/debian.ts";
import { measureAgent } from "./agent.ts";
import { type Contenders, makeContenders } from "./contenders.ts";
import { measureDeployment } from "./deployment.ts";
import { measureFileSize } from "./file_size.ts";
import { measureFleet } from "./fleet.ts";
import { measureJournal } from "./journal.ts";
import { measurePollCost } from "./poll_cost.ts";
import { type Findings, render } from "./report.ts";
import { measureStart } from "./start.ts";

/** What a part is given: the programs that are compared, once they are asked for, and a folder for all that it makes. */
type Part = (contenders: () => Promise<Contenders>, folder: string) => Promise<Findings>;

const PARTS: Readonly<Record<string, Part>> = {
  size: async (contenders) => measureFileSize(await contenders()),
  start: async (contenders, folder) => measureStart(await contenders(), folder),
  deployment: async (contenders) => measureDeployment(await contenders()),
  poll: async (contenders, folder) => measurePollCost(await contenders(), folder),
  journal: (_, folder) => measureJournal(folder),
  fleet: () => measureFleet(),
  agent: async (contenders) => measureAgent(await contenders()),
};

/** What the contenders run, by the package of Debian that it is in. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "nix-bin": "nix-env",
  curl: "curl",
  jq: "jq",
  python3: "python3",
};

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((name) => !(name in PARTS));
  if (unknown !== undefined) {
    say(`unknown part '${unknown}'; there are ${Object.keys(PARTS).join(", ")}`);
    return 2;
  }
  const wanted = Object.keys(PARTS).filter((name) => args.length === 0 || args.includes(name));
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "hail-bench-" }));
  // The executables in it are large.
  for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      Deno.removeSync(folder, { recursive: true });
      Deno.exit(status);
    });
  }
  try {
    let made: Promise<Contenders> | undefined;
    const contenders = () => made ??= makeThem(folder);
    const findings: Findings[] = [];
    for (const name of wanted) {
      const load = Deno.loadavg()[0] ?? 0;
      say(`${name}, with a load of ${load.toFixed(1)} before it`);
      findings.push(await PARTS[name]?.(contenders, folder) ?? { rows: [], aims: [] });
    }
    await Deno.stdout.write(new TextEncoder().encode(`${machine()}\n\n${render(findings)}\n`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return 0;
}

async function makeThem(folder: string): Promise<Contenders> {
  const packages = Object.keys(PROGRAMS).filter((name) => !isOnPath(PROGRAMS[name] ?? name));
  await ensurePackages({ packages, purpose: "the benchmark" });
  return await makeContenders(folder);
}

function isOnPath(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`));
}

function machine(): string {
  const memory = (Deno.systemMemoryInfo().total / 1024 ** 3).toFixed(0);
  return `${navigator.hardwareConcurrency} cores, ${memory} GiB of memory, Linux ${Deno.osRelease()}, ` +
    `Deno ${Deno.version.deno}; median (minimum to maximum).`;
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`bench: ${text}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
