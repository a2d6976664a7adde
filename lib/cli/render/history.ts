import type { Deployment, Fault } from "../../deployment/record.ts";
import type { Page } from "../context.ts";
import { deploymentDocument } from "./documents.ts";
import { type Column, layOutTable, paint, type Tone } from "./layout.ts";
import { minuteOf, shortSpan } from "./times.ts";
import { shortVersion } from "./words.ts";

const COLUMNS: readonly Column[] = [
  { heading: "ID", align: "right" },
  { heading: "BEGUN" },
  { heading: "KIND" },
  { heading: "BUILD" },
  { heading: "OUTCOME" },
  { heading: "TOOK", align: "right" },
  { heading: "REASON" },
];

/** Whose history it is. */
export interface Owner {
  /** What the operator calls the service. */
  readonly name: string;
  readonly profile: string;
}

/**
 * The history of a service as text for a person: one line a deployment, in the order given.
 *
 * @param listed Whether it stands among those of others, and so needs a name.
 */
export function renderHistory(
  { name, profile }: Owner,
  deployments: readonly Deployment[],
  listed: boolean,
  page: Page,
): string {
  if (deployments.length === 0) return `${name}: nothing was deployed yet`;
  // Of the paths that every line would repeat, the rest says enough.
  const rows = deployments.map((one) =>
    rowOf(one).map((cell) => cell.replaceAll(`${profile}/`, "").replace(/\/\S*\/[0-9a-z]{32}-/g, ""))
  );
  const heading = listed ? [paint(name, "heading", page)] : [];
  return [...heading, ...layOutTable(COLUMNS, rows, deployments.map(toneOf), page)].join("\n");
}

function rowOf(deployment: Deployment): string[] {
  const { id, begunAt, endedAt, kind } = deployment;
  return [
    String(id),
    minuteOf(begunAt),
    kind,
    buildOf(deployment),
    outcomeOf(deployment),
    endedAt === null ? "-" : shortSpan(endedAt - begunAt),
    reasonOf(deployment),
  ];
}

/** The build that it led to, or was to lead to. */
function buildOf(deployment: Deployment): string {
  const { kind, target, goBackTo } = deployment;
  if (wasRemoved(deployment)) return "-";
  const led = kind === "rollback" ? goBackTo : target;
  if (led === null) return "-";
  return led.buildId === null ? shortVersion(led) : String(led.buildId);
}

function outcomeOf({ outcome, degraded }: Deployment): string {
  if (outcome === null) return "under way";
  return outcome === "active" && degraded ? "degraded" : outcome;
}

function reasonOf(deployment: Deployment): string {
  const { kind, target, goBackTo, fault, rollbackFault, outcome } = deployment;
  const reasons: string[] = [];
  if (kind === "rollback") reasons.push(`from ${shortVersion(target)}`);
  if (kind === "by-hand") {
    reasons.push(
      wasRemoved(deployment)
        ? "the profile was removed"
        : goBackTo === null
        ? ""
        : `from ${shortVersion(goBackTo)}`,
    );
  }
  if (outcome === "superseded") reasons.push("something else took its place");
  if (fault !== null) reasons.push(faultOf(fault));
  if (rollbackFault !== null) reasons.push(`roll-back: ${faultOf(rollbackFault)}`);
  return reasons.filter((reason) => reason !== "").join("; ");
}

function faultOf({ step, message }: Fault): string {
  return `${step}: ${message}`;
}

/** A change by hand that leads to nothing is recorded as one from and to the same version. */
function wasRemoved({ kind, target, goBackTo }: Deployment): boolean {
  return kind === "by-hand" && target.path === goBackTo?.path;
}

function toneOf({ kind, outcome, degraded }: Deployment): Tone {
  switch (outcome) {
    case "failed":
      return "bad";
    case "rolled-back":
      return kind === "rollback" ? "plain" : "doubtful";
    default:
      return degraded ? "doubtful" : "plain";
  }
}

/** The history of a service in JSON: `docs/schema/history.json`. */
export function historyDocument({ name, profile }: Owner, deployments: readonly Deployment[]) {
  return { service: name, profile, deployments: deployments.map(deploymentDocument) };
}
