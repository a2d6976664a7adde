import process from "node:process";

/** Sends a signal to a process group; a group that is gone already is no error. */
export function signalGroup(leader: number, signal: Deno.Signal) {
  try {
    Deno.kill(-leader, signal);
  } catch {
    // Gone, or a member has changed its user: nothing more can be done about it.
  }
}

/** Whether a process group still has a member. (Signal 0 of kill(2), which Deno's own function does not send.) */
export function hasProcessGroup(leader: number): boolean {
  try {
    return process.kill(-leader, 0);
  } catch {
    return false;
  }
}
