/**
 * What tells this machine from others: machine-id(5); without one, the name of the host. It only spreads polls over
 * time, so a machine that has neither shares its phase with others of its kind and is served all the same.
 */
export async function readMachineId(): Promise<string> {
  try {
    const id = (await Deno.readTextFile("/etc/machine-id")).trim();
    if (/^[0-9a-f]{32}$/.test(id)) return id;
  } catch {
    // Not a systemd machine.
  }
  try {
    return Deno.hostname();
  } catch {
    return "";
  }
}
