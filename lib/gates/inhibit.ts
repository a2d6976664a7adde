/** Gates that a file in a folder closes. */
import { lstat, open, stat } from "node:fs/promises";
import { constants } from "node:fs";
import { sanitise } from "../report/sanitise.ts";
import { Mistake } from "../text/mistake.ts";
import { GateFault, type Kind } from "./gate.ts";

/** What a gate of the kind `inhibit` has. */
export interface InhibitTarget {
  /** An absolute path. */
  readonly folder: string;
}

/** How many entries of the folder are looked at. */
const ENTRIES_MAX = 1_000;

/** How much of a file is read, in bytes. */
const FILE_LIMIT = 4_096;

/** How much of a file's first line, and of its name, is shown, in characters. */
const REASON_LIMIT = 200;
const NAME_LIMIT = 100;

/**
 * `inhibit FOLDER`: closed while there is a file in the folder; its first line is the reason. Hidden files, those whose
 * name ends in `.tmp`, and folders do not count. It holds first deployments as well.
 */
export const inhibit: Kind<InhibitTarget> = {
  synopsis: "inhibit FOLDER",
  about: "closed while there is a file in a folder",
  keys: [],
  read(text) {
    if (text.startsWith("/")) return { folder: text };
    throw new Mistake("the folder is a relative path", "Give its absolute path.");
  },
  open: ({ folder }) => ({
    limit: 10_000,
    async ask(_question, _now, signal) {
      const { names, more } = await list(folder);
      for (const name of names) {
        signal.throwIfAborted();
        const why = await reasonIn(folder, name);
        if (why !== null) return { why, askAgainAt: null };
      }
      if (!more) return null;
      throw new GateFault(
        `${folder} has more than ${ENTRIES_MAX} entries, and none of the first is a file`,
        "Tidy it up.",
      );
    },
  }),
};

/** The names of what may close the gate, in order. */
async function list(folder: string): Promise<{ readonly names: string[]; readonly more: boolean }> {
  const names: string[] = [];
  let seen = 0;
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (++seen > ENTRIES_MAX) break;
      if (!isDirectory && !name.startsWith(".") && !name.endsWith(".tmp")) names.push(name);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { names: [], more: false };
    throw new GateFault(
      `${folder} cannot be read${error instanceof Error ? ` (${error.name})` : ""}`,
      "See that it is a folder, and that hail may read it.",
      error,
    );
  }
  return { names: names.toSorted(), more: seen > ENTRIES_MAX };
}

/** What a file says; null where it is a folder, or is gone. */
async function reasonIn(folder: string, name: string): Promise<string | null> {
  const shown = sanitise(name, NAME_LIMIT);
  const path = `${folder}/${name}`;
  try {
    const about = await stat(path);
    if (about.isDirectory()) return null;
    if (!about.isFile()) return `${shown} cannot be read`;
    // Without blocking: somebody may put a FIFO in its place just now, and nobody writes to that.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(FILE_LIMIT), 0, FILE_LIMIT, 0);
      const [line = ""] = new TextDecoder().decode(buffer.subarray(0, bytesRead)).split(/\r?\n/);
      const reason = sanitise(line, REASON_LIMIT).trim();
      return reason === "" ? shown : `${reason} (${shown})`;
    } finally {
      await file.close();
    }
  } catch {
    // Whoever put it there wanted to say something.
    return await isThere(path) ? `${shown} cannot be read` : null;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
