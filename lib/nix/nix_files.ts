import { existsSync, statfsSync } from "node:fs";

/** An entry of a folder. What it is, is told of the entry itself: a link is not followed. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: "link" | "folder" | "other";
}

/** The little of the file system that is touched beside what Nix does itself. */
export interface NixFiles {
  /** Creates a folder and its parents; one that exists is no error. */
  makeFolder(path: string): Promise<void>;
  /** Removes a file or link; one that does not exist is no error. */
  remove(path: string): Promise<void>;
  /** Whether something is there. A link that leads nowhere is nothing. It does not throw. */
  exists(path: string): boolean;
  /** Where a link leads, as it stands there, or null where nothing is. It throws where something else is. */
  readLink(path: string): Promise<string | null>;
  /** The path without any link in it, or null where it leads nowhere. */
  realPath(path: string): Promise<string | null>;
  /** The entries of a folder, one that does not exist has none. It throws where it cannot be read. */
  list(folder: string): AsyncIterable<FolderEntry>;
  /** When a link was made, in milliseconds since 1970, or null where nothing is. */
  madeAt(link: string): Promise<number | null>;
  /** Waits until the entries of a folder are on the disk: fsync(2). */
  sync(folder: string): Promise<void>;
  /**
   * What is free for this user on the file system of a folder, in bytes, or null where that cannot be known. It does
   * not throw.
   */
  freeSpace(folder: string): number | null;
}

/** The file system of the machine. */
export const nixFiles: NixFiles = {
  makeFolder: (path) => Deno.mkdir(path, { recursive: true }),
  remove: async (path) => void await orNull(Deno.remove(path)),
  exists: existsSync,
  readLink: (path) => orNull(Deno.readLink(path)),
  realPath: (path) => orNull(Deno.realPath(path)),
  async *list(folder) {
    try {
      for await (const { name, isSymlink, isDirectory } of Deno.readDir(folder)) {
        yield { name, kind: isSymlink ? "link" : isDirectory ? "folder" : "other" };
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },
  madeAt: async (link) => (await orNull(Deno.lstat(link)))?.mtime?.getTime() ?? null,
  async sync(folder) {
    using file = await Deno.open(folder);
    await file.sync();
  },
  freeSpace(folder) {
    try {
      const { bavail, bsize } = statfsSync(folder);
      const bytes = bavail * bsize;
      return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null;
    } catch {
      return null;
    }
  },
};

async function orNull<Value>(promise: Promise<Value>): Promise<Value | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
