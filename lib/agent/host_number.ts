import type { ReadSecretFile } from "../netrc/secret_file.ts";
import type { Report } from "../report/event.ts";

/** The file that is read where none is named. */
const DEFAULT_FILE = "/etc/hail/host-number";

/** Enough for a number, and for a comment of somebody who did not know better. */
const FILE_LIMIT = 1_024;

/** A whole number of at most nine digits, alone in the file but for blanks around it. */
const NUMBER = /^\s*([0-9]{1,9})\s*$/;

/**
 * Reads the numbers that hosts have in their fleets. A file, since many hosts may share a configuration. Each is read once, so
 * that all services of a host have the same number for as long as hail runs.
 */
export class HostNumbers {
  readonly #read: ReadSecretFile;
  readonly #numbers = new Map<string | undefined, Promise<number | null>>();

  /** @param read Reads a file within bounds. */
  constructor(read: ReadSecretFile) {
    this.#read = read;
  }

  /**
   * The number of this host; null where it has none, or where the file cannot be used, which is reported.
   *
   * @param file The file that was named; undefined for the usual one, which need not be there.
   */
  read(file: string | undefined, report: Report): Promise<number | null> {
    const number = this.#numbers.get(file) ?? this.#find(file ?? DEFAULT_FILE, file !== undefined, report);
    this.#numbers.set(file, number);
    return number;
  }

  async #find(path: string, mustExist: boolean, report: Report): Promise<number | null> {
    const found = await this.#read(path, FILE_LIMIT);
    if (found.outcome === "missing" && !mustExist) return null;
    const [, digits] = found.outcome === "read" ? NUMBER.exec(found.text) ?? [] : [];
    if (digits !== undefined) return Number(digits);
    const why = found.outcome === "missing"
      ? "there is no such file"
      : found.outcome === "unusable"
      ? found.why
      : "it holds no whole number from 0 to 999999999";
    report({
      name: "host-number",
      level: "warning",
      message: `${path}: ${why}. This host polls at a moment that its machine id chooses.`,
      fields: { file: path, why },
    });
    return null;
  }
}
