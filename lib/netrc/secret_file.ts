import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** What came of reading a file. */
export type FileRead =
  | {
    readonly outcome: "read";
    readonly text: string;
    /** The permission bits, such as 0o600. */
    readonly mode: number;
  }
  | { readonly outcome: "missing" }
  | {
    readonly outcome: "unusable";
    /** Why, in one clause that holds nothing of the file's content. */
    readonly why: string;
  };

/**
 * Reads a file that holds a secret.
 *
 * @param path The file; symbolic links are followed.
 * @param maxBytes A longer file is unusable.
 */
export type ReadSecretFile = (path: string, maxBytes: number) => Promise<FileRead>;

/** Does as {@linkcode readTextFile}. */
export const readSecretFile: ReadSecretFile = (path, maxBytes) =>
  Promise.resolve(readTextFile(path, maxBytes));

/**
 * Reads a text file from the disk. It is unusable if it may not be read, is not a regular file, is too long
 * or is not UTF-8. A byte order mark is dropped.
 *
 * The file is opened first and then asked what it is, so that nobody can exchange it in between; it is opened
 * without blocking, or a FIFO that nobody writes to would hold hail up for good.
 *
 * @param path The file.
 * @param maxBytes A longer file is unusable.
 * @param follow Whether it may be a symbolic link.
 */
// Without promises: some are read before the first request, and each promise would be a trip to another thread.
export function readTextFile(path: string, maxBytes: number, follow = true): FileRead {
  let file: number;
  try {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    file = openSync(path, follow ? flags : flags | constants.O_NOFOLLOW);
  } catch (error) {
    return codeOf(error) === "ENOENT" ? { outcome: "missing" } : unusable(whyNot(error));
  }
  try {
    const about = fstatSync(file);
    if (about.isDirectory()) return unusable("it is a folder");
    if (!about.isFile()) return unusable("it is not a regular file");
    const bytes = readUpTo(file, maxBytes + 1);
    if (bytes.length > maxBytes) return unusable(`it is longer than ${maxBytes} bytes`);
    return {
      outcome: "read",
      text: new TextDecoder("utf-8", { fatal: true }).decode(bytes),
      mode: about.mode & 0o7777,
    };
  } catch (error) {
    // The decoder's is the only TypeError here.
    return unusable(error instanceof TypeError ? "it is not UTF-8 text" : whyNot(error));
  } finally {
    closeSync(file);
  }
}

function unusable(why: string): FileRead {
  return { outcome: "unusable", why };
}

/** The size that the file system tells is not trusted: the file may grow. */
function readUpTo(file: number, limit: number): Uint8Array {
  const bytes = new Uint8Array(limit);
  let length = 0;
  while (length < limit) {
    const count = readSync(file, bytes, length, limit - length, null);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

function whyNot(error: unknown): string {
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM") return "hail may not read it";
  if (code === "ENXIO") return "it is not a regular file";
  if (code === "ENOTDIR") return "a part of its path is not a folder";
  if (code === "ELOOP") return "its symbolic links go round in a circle";
  return code === undefined ? "it cannot be read" : `it cannot be read (${code})`;
}
