/** Reads the file of a configuration, and looks at who could have written it. */
import { lstatSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { readSecretFile } from "../netrc/secret_file.ts";
import type { Problem } from "./problem.ts";

/** Room for ten thousand services. */
const BYTES_MAX = 1024 * 1024;

/** What came of reading a file. */
export type FileText = { readonly text: string } | { readonly problem: Problem };

/** What a file or folder is, as stat(2) tells. */
export interface Status {
  readonly uid: number;
  readonly mode: number;
  isDirectory(): boolean;
}

/** Looks at files. Each throws where there is none, or it cannot be reached. */
export interface Disk {
  /** A path without symbolic links that leads to the same. */
  real(path: string): string;
  status(path: string): Status;
  /** Of a symbolic link itself, and not of what it leads to. */
  linkStatus(path: string): Status;
}

const DISK: Disk = { real: realpathSync, status: statSync, linkStatus: lstatSync };

/**
 * Reads a configuration from the disk; symbolic links are followed, as into the Nix store. Where root runs hail, nobody
 * else may be able to write the file: what it says is run as root.
 *
 * @param uid Who runs hail; null where that is not known.
 */
export async function readConfigFile(path: string, uid: number | null, disk = DISK): Promise<FileText> {
  // Before it is read: whoever cannot write it now cannot exchange it until then.
  const suspect = uid === 0 ? whatOthersWrite(path, disk) : null;
  if (suspect !== null) {
    return wrong(
      `${suspect} can be written by others than root, and root is to act by it`,
      "Make it root's own: chown root:root, chmod go-w.",
    );
  }
  const read = await readSecretFile(path, BYTES_MAX);
  switch (read.outcome) {
    case "read":
      return { text: read.text };
    case "missing":
      return wrong(
        "there is no such file",
        "Write one, see docs/configuration.md, or name another with --config.",
      );
    case "unusable":
      return wrong(read.why, "A configuration is a regular text file of at most 1 MiB.");
  }
}

function wrong(why: string, next: string): FileText {
  return { problem: { line: null, key: null, why, next } };
}

/** Whichever of the file, the link to it and their folders somebody else than root can write; null for none. */
function whatOthersWrite(path: string, disk: Disk): string | null {
  try {
    // The owner of a link can let it lead elsewhere; its mode means nothing.
    if (disk.linkStatus(path).uid !== 0) return path;
    const file = disk.real(path);
    const places = [file, dirname(file), disk.real(dirname(path))];
    return places.find((place) => !isRoots(disk.status(place))) ?? null;
  } catch {
    // It is missing, or cannot be reached; reading it tells why.
    return null;
  }
}

/** As far as owner and mode say. In a folder with the sticky bit, as the Nix store is one, others only add files. */
function isRoots(status: Status): boolean {
  const open = (status.mode & 0o022) !== 0;
  return status.uid === 0 && (!open || (status.isDirectory() && (status.mode & 0o1000) !== 0));
}
