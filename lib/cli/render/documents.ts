/**
 * The JSON that the commands write. It is a contract: `docs/schema/` has a JSON Schema for each document, and a change
 * that could break a reader gets a new version.
 */
import type { ActiveVersion, Deployment, Fault, ServiceRecord, Version } from "../../deployment/record.ts";
import { jsonTime } from "./times.ts";

/** The version of all these documents. */
export const DOCUMENT_VERSION = 1;

/** A document as text. */
export function writeDocument(content: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ version: DOCUMENT_VERSION, ...content }, null, 2);
}

/** A version. */
export function versionDocument({ path, buildId, name }: Version) {
  return { path, build_id: buildId, name };
}

/** The active version. */
export function activeDocument(active: ActiveVersion) {
  const { since, how, degraded } = active;
  return { ...versionDocument(active), since: jsonTime(since), how, degraded };
}

/** The latest build. */
export function buildDocument({ id, outPath, name, finishedAt }: NonNullable<ServiceRecord["latest"]>) {
  const finished = finishedAt === null ? null : jsonTime(finishedAt * 1_000);
  return { build_id: id, path: outPath, name, finished_at: finished };
}

/** A deployment. */
export function deploymentDocument(deployment: Deployment) {
  const { id, kind, target, goBackTo, begunAt, endedAt, outcome, fault, rollbackFault, degraded, runs } =
    deployment;
  return {
    id,
    kind,
    outcome,
    target: versionDocument(target),
    go_back_to: goBackTo === null ? null : versionDocument(goBackTo),
    begun_at: jsonTime(begunAt),
    ended_at: jsonTime(endedAt),
    fault: fault === null ? null : faultDocument(fault),
    rollback_fault: rollbackFault === null ? null : faultDocument(rollbackFault),
    degraded,
    activations: runs,
  };
}

function faultDocument({ step, code, message, next, at }: Fault) {
  return { step, code, message, next, at: jsonTime(at) };
}
