import { STATES } from "../../deployment/machine.ts";
import type { ServiceRecord } from "../../deployment/record.ts";
import type { Page } from "../context.ts";
import { type Column, layOutTable, shorten, type Tone, wrap } from "./layout.ts";
import type { Agent, ServiceView } from "./status.ts";
import { shortSpan } from "./times.ts";
import { faultWords, isUnderWay, refusalWords, shortVersion, stateWords } from "./words.ts";

const COLUMNS: readonly Column[] = [
  { heading: "NAME" },
  { heading: "STATE" },
  { heading: "ACTIVE" },
  { heading: "NOTE" },
];

/** How much of a terminal the names, and the active versions, may take, so that there is room for the notes. */
const NAME_SHARE = 0.35;
const ACTIVE_SHARE = 0.3;

const STORE_FOLDERS = /\/\S*\/[0-9a-z]{32}-/g;

/** How many services without an agent are named. */
const NAMED = 20;

/** The status of many services as text for a person: one line each, in the order given, and how many are in which state. */
export function renderStatusTable(views: readonly ServiceView[], now: number, page: Page): string {
  const within = (text: string, share: number) =>
    page.terminal ? shorten(text, Math.floor(page.columns * share)) : text;
  const rows = views.map((view) => [
    within(view.name, NAME_SHARE),
    stateWord(view.record),
    within(activeWords(view.record, now), ACTIVE_SHARE),
    noteWords(view, now),
  ]);
  return [
    ...layOutTable(COLUMNS, rows, views.map(toneOf), page),
    "",
    ...wrap(countWords(views), 0, page),
    ...wrap(`Agent: ${agentWords(views)}`, 0, page),
  ].join("\n");
}

function stateWord({ state, active }: ServiceRecord): string {
  return state === "active" && active?.degraded === true ? "degraded" : state;
}

function activeWords({ active }: ServiceRecord, now: number): string {
  return active === null ? "-" : `${shortVersion(active)}, ${shortSpan(now - active.since)}`;
}

/** What it waits for, or what is wrong; empty where all is as it is to be. */
function noteWords({ record, removing, removed }: ServiceView, now: number): string {
  if (removed !== null) return removed === "keep" ? "taken out, left as it was" : "taken out, deactivated";
  if (removing !== null) return `being removed (--${removing})`;
  const { text } = stateWords(record, now);
  if (isUnderWay(record)) return text;
  const { state, failures, lastFailure, work } = record;
  const notes: string[] = [];
  // The names of store paths say enough.
  if (failures > 0 && lastFailure !== null) notes.push(lastFailure.message.replace(STORE_FOLDERS, ""));
  else if (state === "rolled-back" && work?.fault) notes.push(faultWords(work.fault, work.target));
  else if (!["active", "idle", "held"].includes(state)) notes.push(text);
  else if (stateWord(record) === "degraded") notes.push("its activation said that some unit failed");
  // What was rolled back says so already.
  const refusal = refusalWords(record, now);
  if (refusal !== null && state !== "rolled-back") notes.push(refusal);
  return notes.join("; ");
}

function toneOf({ record, removing, removed }: ServiceView): Tone {
  if (removing !== null || removed !== null) return "doubtful";
  const { tone } = stateWords(record, 0);
  if (tone === "bad" || record.failures > 0) return "bad";
  return tone === "good" ? "plain" : tone;
}

/** `20 services: 17 active, 1 held, 1 failed, 1 realising`; what is usual comes first. */
function countWords(views: readonly ServiceView[]): string {
  const counts = new Map<string, number>(
    ["active", "degraded", ...Object.keys(STATES)].map((word) => [word, 0]),
  );
  for (const { record } of views) {
    const word = stateWord(record);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const parts = [...counts].filter(([, count]) => count > 0).map(([word, count]) => `${count} ${word}`);
  return `${views.length} services: ${parts.join(", ")}`;
}

const AGENT_WORDS: Readonly<Record<Agent["is"], string>> = {
  "running": "runs",
  "silent": "runs, but does not answer",
  "holding": "takes no commands",
  "unknown": "not known, since only root and the group hail may ask it",
  "absent": "none runs",
};

function agentWords(views: readonly ServiceView[]): string {
  const groups = Map.groupBy(views, ({ agent }) => agent.is);
  return (Object.keys(AGENT_WORDS) as Agent["is"][]).flatMap((is) => {
    const group = groups.get(is);
    if (group === undefined) return [];
    if (group.length === views.length) return [AGENT_WORDS[is]];
    if (is === "running") return [`${AGENT_WORDS[is]} for ${group.length}`];
    const more = group.length - NAMED;
    const names = group.slice(0, NAMED).map(({ name }) => name).join(", ");
    return [`${AGENT_WORDS[is]} for ${names}${more > 0 ? ` and ${more} more` : ""}`];
  }).join("; ");
}
