import { Failure } from "../failure/failure.ts";
import type { Report } from "../report/event.ts";
import { type Credentials, credentialsFor } from "./lookup.ts";
import { parseNetrc } from "./parse.ts";
import type { ReadSecretFile } from "./secret_file.ts";
import { NetrcSyntaxError } from "./syntax_error.ts";

/** Where hail looks when no file is named, as the original did. */
export const DEFAULT_NETRC_FILE = "/etc/netrc";

/** Far more than any netrc has. */
const BYTES_MAX = 1024 * 1024;

/** The bits that let group or others read a file. */
const READ_BY_OTHERS = 0o044;

/** Which credentials to read, and through what. */
export interface CredentialsRequest {
  /** The netrc file. */
  readonly file: string;
  /** Whether the operator named the file; the default file may be missing. */
  readonly named: boolean;
  /** The host name of the job URI; an IPv6 address with or without brackets. */
  readonly host: string;
  readonly ports: {
    readonly read: ReadSecretFile;
    readonly report: Report;
  };
}

/**
 * Reads the credentials for a host from a netrc file. A file that group or others can read is reported once, as the
 * warning `netrc-readable`, and used. A file that was not named and cannot be used is reported, as the warning
 * `netrc-unusable`, and passed over: it is there for other programs, too.
 *
 * @returns `null` if the file has none for the host, or if it was not named and is missing or cannot be used.
 * @throws {Failure} `netrc-unusable` if the file was named and does not exist, cannot be read, is not a regular file, is
 * longer than 1 MiB, is not UTF-8, is malformed, or has credentials for the host that HTTP cannot carry. Where there is
 * a line and a column the message has them, and never anything that the file holds.
 */
export async function readCredentials(request: CredentialsRequest): Promise<Credentials | null> {
  const { file, named, host, ports } = request;
  const refuse = (why: string, next: string): null => {
    if (named) throw new Failure("netrc-unusable", { what: `netrc file ${file}`, why, next });
    ports.report({
      name: "netrc-unusable",
      level: "warning",
      message: `netrc file ${file}: ${why}. hail goes on without credentials. ${next}`,
      fields: { file, why, next },
    });
    return null;
  };
  const found = await ports.read(file, BYTES_MAX);
  if (found.outcome === "missing") {
    return named ? refuse("it does not exist", "Create it, or let netrc-file name another one.") : null;
  }
  if (found.outcome === "unusable") {
    return refuse(
      found.why,
      "Make it a text file that the user hail runs as can read, or let netrc-file name another one.",
    );
  }
  if ((found.mode & READ_BY_OTHERS) !== 0) {
    const mode = found.mode.toString(8).padStart(4, "0");
    ports.report({
      name: "netrc-readable",
      level: "warning",
      message: `The netrc file ${file} can be read by others than its owner (mode ${mode}): chmod 600 it.`,
      fields: { file, mode },
    });
  }
  try {
    return credentialsFor(parseNetrc(found.text), host);
  } catch (error) {
    if (!(error instanceof NetrcSyntaxError)) throw error;
    return refuse(error.message, "Correct that place; hail never shows what the file holds.");
  }
}
