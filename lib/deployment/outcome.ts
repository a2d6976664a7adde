import { Failure } from "../failure/failure.ts";
import type { Event } from "../report/event.ts";
import { short } from "./acts.ts";
import type { Deployment, ServiceRecord } from "./record.ts";

/**
 * What the last deployment has to say to whoever asked for it, once it is at rest: nothing, if it went well. Pure.
 *
 * @param met The failure that was met last; a failure that passes is not in the record.
 */
export function outcomeOf({ state, work }: ServiceRecord, met: Failure | null): Failure | null {
  if (work === null) return null;
  switch (state) {
    case "waiting":
      return met;
    case "rolled-back":
      return work.fault !== null && work.outcome === "rolled-back" ? afterRollback(work) : null;
    case "failed":
      if (work.kind === "rescue" && work.fault === null) return rescueFailure(work) ?? met;
      return (work.rollbackFault === null ? restartFailure(work) : rollbackFailure(work)) ?? met;
    default:
      return null;
  }
}

/** A deployment failed, and all is as it was before. */
function afterRollback({ fault, goBackTo, target }: Deployment): Failure | null {
  if (fault === null) return null;
  return new Failure(fault.code, {
    what: short(target),
    why: `${fault.message}; ${
      goBackTo === null ? "it was taken back, and the profile is gone" : `rolled back to ${goBackTo.path}`
    }`,
    next: fault.next,
  });
}

function rollbackFailure({ fault, rollbackFault, goBackTo, target }: Deployment): Failure {
  const back = goBackTo === null ? "taking it back" : `the roll-back to ${goBackTo.path}`;
  return new Failure("rollback-failed", {
    what: short(target),
    why: `${fault === null ? "" : `${fault.message}; `}${back} failed: ${rollbackFault?.message}`,
    next: `The service may be down. ${rollbackFault?.next} hail tries the roll-back again.`,
  });
}

/** The service is not well, and the build that may mend it cannot be deployed yet. */
function rescueFailure({ rollbackFault, goBackTo, target }: Deployment): Failure | null {
  if (rollbackFault === null || goBackTo === null) return null;
  const { code, message, next } = rollbackFault;
  return new Failure(code, {
    what: short(goBackTo),
    why: `${code === "rollback-failed" ? "the roll-back to it failed: " : ""}${message}; and ${
      short(target)
    }, which may mend that, cannot be deployed yet`,
    next: `The service may be down. ${next} hail tries both again.`,
  });
}

/** What the profile points at could not be activated when hail started. */
function restartFailure({ fault, target }: Deployment): Failure | null {
  return fault === null ? null : new Failure(fault.code, {
    what: short(target),
    why: fault.message,
    next: `${fault.next} hail tries it again.`,
  });
}

/** The event that tells of a roll-back that has succeeded. */
export function rolledBackEvent(work: Deployment, active: ServiceRecord["active"]): Event {
  const from = work.kind === "rollback" ? "" : ` from ${short(work.target)}`;
  return {
    name: "rolled-back",
    level: "warning",
    message: active === null
      ? `${short(work.target)} is taken back; the profile is gone, as it was before`
      : `rolled back to ${active.path}${from}`,
    fields: { deployment: work.id, path: active?.path ?? null, from_path: work.target.path },
  };
}
