/** What stands in a folder. */
export interface DiskEntry {
  readonly name: string;
  readonly kind: "file" | "folder" | "link" | "other";
}

/**
 * The file operations that installing units takes, each of which happens either wholly or not at all.
 * Paths are absolute. What is thrown is a `Deno.errors` error.
 */
export interface Disk {
  /** What stands in a folder; null if there is no such folder. */
  list(folder: string): Promise<readonly DiskEntry[] | null>;
  /**
   * The text of a file, following links.
   *
   * @throws {Error} If it is larger than `limit` bytes, or is not UTF-8.
   */
  read(path: string, limit: number): Promise<string>;
  /** Where a link leads. */
  readLink(path: string): Promise<string>;
  /** Makes a folder. */
  makeFolder(path: string): Promise<void>;
  /** Makes a file that was not there, with its content on the disk for good; its name is so only after {@linkcode sync}. */
  create(path: string, text: string): Promise<void>;
  /** Makes a link that was not there. */
  link(path: string, destination: string): Promise<void>;
  /** Renames a file or a link; what was at the new name is replaced. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a link; that it is not there is no error. */
  remove(path: string): Promise<void>;
  /** Puts the names in a folder on the disk for good. */
  sync(folder: string): Promise<void>;
  /** Takes the lock of that file, for as long as this process lives, and returns how to give it back. */
  lock(path: string): Promise<() => void>;
}

/** The file system of the machine. */
export const systemDisk: Disk = {
  async list(folder) {
    const entries: DiskEntry[] = [];
    try {
      for await (const { name, isFile, isDirectory, isSymlink } of Deno.readDir(folder)) {
        const kind = isSymlink ? "link" : isFile ? "file" : isDirectory ? "folder" : "other";
        entries.push({ name, kind });
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
    return entries;
  },
  async read(path, limit) {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(limit + 1);
    let length = 0;
    while (length <= limit) {
      const count = await file.read(buffer.subarray(length));
      if (count === null) {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, length));
      }
      length += count;
    }
    throw new Deno.errors.InvalidData(`larger than ${limit} bytes`);
  },
  readLink: (path) => Deno.readLink(path),
  makeFolder: (path) => Deno.mkdir(path, { mode: 0o755 }),
  async create(path, text) {
    using file = await Deno.open(path, { write: true, createNew: true, mode: 0o644 });
    let rest = new TextEncoder().encode(text);
    while (rest.length > 0) rest = rest.subarray(await file.write(rest));
    await file.sync();
  },
  link: (path, destination) => Deno.symlink(destination, path),
  rename: (from, to) => Deno.rename(from, to),
  async remove(path) {
    try {
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },
  async sync(folder) {
    using file = await Deno.open(folder);
    await file.sync();
  },
  async lock(path) {
    const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
    await file.lock(true);
    return () => file.close();
  },
};
