/** What keeps hail from its database. */

/**
 * What follows from the trouble:
 * - `damaged`: what the file holds cannot be used;
 * - `unwritable`: the file cannot be reached or written; what it holds may be good;
 * - `doubtful`: a statement was refused, which may be the fault of the file or of hail.
 */
export type TroubleKind = "damaged" | "unwritable" | "doubtful";

/** Why a database cannot be used. */
export class Trouble extends Error {
  override readonly name = "Trouble";
  readonly kind: TroubleKind;
  /** One clause, fit for an operator. */
  readonly why: string;

  constructor(kind: TroubleKind, why: string, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.why = why;
  }
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html), and the words that stand for them in a message. */
const RESULTS: readonly (readonly [code: number, words: RegExp, kind: TroubleKind, why: string])[] = [
  [11, /disk image is malformed|malformed database schema/, "damaged", "its content is damaged"],
  [26, /file is not a database/, "damaged", "it is no SQLite database"],
  [5, /database is locked/, "unwritable", "another program keeps it locked"],
  [6, /table is locked/, "unwritable", "another program keeps it locked"],
  [13, /disk is full/, "unwritable", "the disk is full"],
  [8, /readonly database/, "unwritable", "hail may not write it, or the file system is read-only"],
  [14, /unable to open database file/, "unwritable", "it, or a file beside it, cannot be opened"],
  [3, /access permission denied/, "unwritable", "hail may not write it"],
  [10, /disk I\/O error/, "unwritable", "the disk reports an error"],
  [7, /out of memory/, "unwritable", "there is too little memory"],
];

/** What an error of a system call means here. */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: "hail may not open it, or may not change its folder",
  EPERM: "hail may not open it, or may not change its folder",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a part of its path is not a folder",
  EEXIST: "something other than a folder is in the place of its folder",
  ELOOP: "the symbolic links of its path go round in a circle",
  ENAMETOOLONG: "its path is too long",
  EIO: "the disk reports an error",
};

/** What an error that came from SQLite or from the file system means. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof Trouble) return error;
  if (!(error instanceof Error)) return new Trouble("doubtful", "something unknown went wrong", error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code.startsWith("ERR_SQLITE")) return ofSqlite(error);
  const why = SYSTEM[code];
  if (why !== undefined) return new Trouble("unwritable", why, error);
  if (/^E[A-Z0-9]+$/.test(code)) return new Trouble("unwritable", `the system says ${code}`, error);
  return new Trouble("doubtful", `a value does not fit into it (${error.message})`, error);
}

function ofSqlite(error: Error): Trouble {
  const extended = "errcode" in error && typeof error.errcode === "number" ? error.errcode : null;
  // The low byte is the primary code.
  const primary = extended === null ? null : extended & 0xff;
  const result = RESULTS.find(([code, words]) =>
    primary === null ? words.test(error.message) : primary === code
  );
  if (result === undefined) return new Trouble("doubtful", `SQLite says '${error.message}'`, error);
  const [, , kind, why] = result;
  return new Trouble(kind, why, error);
}
