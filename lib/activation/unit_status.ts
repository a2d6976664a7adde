import { constants } from "node:os";
import type { Ended } from "./program.ts";

/** What {@linkcode readUnit} wants to know of a unit: properties of `systemctl show`. */
export const UNIT_PROPERTIES = [
  "LoadState",
  "ActiveState",
  "SubState",
  "Result",
  "ExecMainCode",
  "ExecMainStatus",
  "ControlGroup",
  "TasksCurrent",
  "SyslogIdentifier",
  "Description",
] as const;

/** What has become of a unit that runs a program once. */
export interface UnitStatus {
  /** `absent`: systemd does not know it; `running`: its end is still to come. */
  readonly phase: "absent" | "running" | "ended";
  /** Null unless it has ended. */
  readonly ended: Ended | null;
  /** Whether systemd keeps it as failed. */
  readonly failed: boolean;
  /** Whether there are processes in it. */
  readonly populated: boolean;
  /** The name under which its lines are in the journal; empty where none was given. */
  readonly identifier: string;
  readonly description: string;
}

// wait(2), as in ExecMainCode.
const CLD_EXITED = "1";
const CLD_KILLED = ["2", "3"];

/** What systemd exits with in place of a program that it cannot execute (systemd.exec(5), PROCESS EXIT CODES). */
const EXIT_EXEC = 203;

/**
 * Reads what systemd says about a transient unit of type oneshot with RemainAfterExit=. Whether it could read the unit
 * again after a daemon-reload (`LoadState=bad-setting`: it stumbles over some paths that it has quoted itself) does not
 * matter: it knows the result all the same.
 */
export function readUnit(properties: Readonly<Record<string, string>>): UnitStatus {
  const get = (name: (typeof UNIT_PROPERTIES)[number]) => properties[name] ?? "";
  const active = get("ActiveState");
  const settled = active === "active" || active === "failed" || active === "inactive";
  const phase = active === "inactive" && get("LoadState") === "not-found"
    ? "absent"
    : settled
    ? "ended"
    : "running";
  return {
    phase,
    ended: phase === "ended" ? readEnd(active, get) : null,
    failed: active === "failed",
    // The number of processes is unknown where nobody counts them; a group without any is removed in any case.
    populated: get("ControlGroup") !== "" && get("TasksCurrent") !== "0",
    identifier: get("SyslogIdentifier"),
    description: get("Description"),
  };
}

function readEnd(active: string, get: (name: (typeof UNIT_PROPERTIES)[number]) => string): Ended {
  if (active === "inactive") return { how: "other", why: "somebody ended it" };
  const result = get("Result");
  if (result === "timeout") return { how: "time-limit" };
  const status = Number(get("ExecMainStatus"));
  const byItself = result === "success" || result === "exit-code";
  if (byItself && get("ExecMainCode") === CLD_EXITED) {
    return status === EXIT_EXEC ? { how: "not-executed" } : { how: "exited", status };
  }
  if (result === "oom-kill") return { how: "other", why: "it was ended because memory ran out" };
  if (CLD_KILLED.includes(get("ExecMainCode"))) return { how: "signal", signal: signalName(status) };
  return { how: "other", why: `systemd says that it ended with the result '${result.slice(0, 40)}'` };
}

function signalName(number: number): string {
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name ?? `signal ${number}`;
}
