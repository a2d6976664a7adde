import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const GROUP_FILE = "/etc/group";

/** No group file of a machine is that long, in bytes. */
const GROUP_FILE_MAX = 4 << 20;

/** No id of a group is greater: this one means "no group". */
const GID_END = 0xffff_ffff;

/**
 * The id of a group, out of `/etc/group` (group(5)). Groups that are only in a directory service are not found.
 *
 * @param readText Reads that file; null where it cannot be read.
 * @returns Null if there is no such group.
 */
export function findGroup(
  name: string,
  readText: (path: string, maxBytes: number) => string | null = readUpTo,
): number | null {
  for (const line of (readText(GROUP_FILE, GROUP_FILE_MAX) ?? "").split("\n")) {
    const [group, , gid] = line.split(":");
    if (group !== name || gid === undefined || !/^[0-9]{1,10}$/.test(gid)) continue;
    if (Number(gid) < GID_END) return Number(gid);
  }
  return null;
}

function readUpTo(path: string, maxBytes: number): string | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const about = fstatSync(file);
    if (!about.isFile()) return null;
    const bytes = new Uint8Array(Math.min(about.size, maxBytes));
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return new TextDecoder().decode(bytes.subarray(0, length));
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}
