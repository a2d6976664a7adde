/**
 * Writes docs/state_machine.md out of the table in lib/deployment/machine.ts: `deno run -A scripts/state_diagram.ts`. A
 * test fails where the two differ.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type Row, type State, STATES, TABLE, transitions } from "../lib/deployment/machine.ts";

/** The page, by its path. */
export const PAGE = fileURLToPath(new URL("../docs/state_machine.md", import.meta.url));

/** The text of the page. */
export function statePage(): string {
  return [
    "# The state machine of a deployment",
    "",
    "Made by `deno run -A scripts/state_diagram.ts` out of the table in `lib/deployment/machine.ts`; a test keeps the two the",
    "same. Each arrow is written to the disk before what the next state asks for is done, so a hail that ends anywhere goes on",
    "from there. Left out of the picture is what can happen nearly anywhere: `changed-by-hand`, `started`, `rollback-asked`.",
    "",
    "```mermaid",
    "stateDiagram-v2",
    "  [*] --> idle",
    ...edges().map(({ from, to, label }) => `  ${id(from)} --> ${id(to)}: ${label}`),
    "```",
    "",
    "## What is done in a state",
    "",
    "| state | act |",
    "| --- | --- |",
    ...Object.entries(STATES).map(([state, act]) => `| ${state} | ${act ?? "at rest"} |`),
    "",
    "## Every transition",
    "",
    "| from | event | to | effects |",
    "| --- | --- | --- | --- |",
    ...TABLE.map((row: Row) =>
      `| ${row.from.join(", ")} | ${row.event} | ${targets(row)} | ${row.effects.join(", ") || "none"} |`
    ),
    "",
  ].join("\n");
}

const EVERYWHERE = ["changed-by-hand", "started", "rollback-asked", "refused", "build-found"];

/** The arrows of the picture; several events between two states share one. */
function edges() {
  const labels = new Map<string, string[]>();
  for (const { from, row } of transitions()) {
    const shown = !EVERYWHERE.includes(row.event) || from === "idle" || from === "active" ||
      from === "discovered";
    if (!shown || row.event === "changed-by-hand" || row.event === "rollback-asked") continue;
    for (const [kind, to] of kindsOf(row)) {
      const key = `${from} ${to}`;
      const label = kind === null ? row.event : `${row.event} (${kind})`;
      labels.set(key, [...labels.get(key) ?? [], label]);
    }
  }
  return [...labels].map(([key, events]) => {
    const [from = "", to = ""] = key.split(" ");
    return { from, to, label: events.join(", ") };
  });
}

function kindsOf({ to }: Row): [string | null, State][] {
  return typeof to === "string" ? [[null, to]] : Object.entries(to).map(([kind, state]) => [kind, state]);
}

function targets(row: Row): string {
  return kindsOf(row).map(([kind, to]) => kind === null ? to : `${to} (${kind})`).join(", ");
}

/** Mermaid takes no dash in a name. */
function id(state: string): string {
  return state.replaceAll("-", "_");
}

if (import.meta.main) await Deno.writeTextFile(PAGE, statePage());
