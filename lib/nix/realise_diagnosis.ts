import type { FailureCode } from "../failure/failure.ts";

/** Why a realisation failed, as far as Nix's words tell. */
export interface Diagnosis {
  readonly code: FailureCode;
  readonly why: string;
  readonly next: string;
}

const CHECK_PASSWORD =
  "Check the login and password for the cache in the file that netrc-file in nix.conf names; hail tries again.";

interface Rule extends Diagnosis {
  /** What Nix prints in this case. Each wording was taken from Nix 2.8, 2.26 and 2.34. */
  readonly signs: RegExp;
}

// The first rule that fits wins, so a cause stands before its consequences: Nix ends with "don't know how to build
// these paths" whatever kept it from asking the cache.
const RULES: readonly Rule[] = [
  {
    code: "disk-full",
    signs: /No space left on device|Disk quota exceeded|database or disk is full/i,
    why: "the disk is full",
    next: "Free some room on the file system of the Nix store (nix-collect-garbage); hail tries again.",
  },
  {
    code: "signature-refused",
    signs: /not signed by any of the keys|lacks a (?:valid )?signature|no signature/i,
    why: "no trusted key has signed it",
    next:
      "Add the binary cache's public key to trusted-public-keys in nix.conf, or have the cache sign the path.",
  },
  {
    code: "cache-refused",
    signs: /HTTP error 40[137]|does not appear to be a binary cache|Access denied|Authentication required/i,
    why: "the binary cache refuses access, or what answers is no binary cache",
    next: CHECK_PASSWORD,
  },
  {
    code: "cache-corrupt",
    signs:
      /hash mismatch|Lzma library error|Failed to open archive|truncated|Truncated|corrupt|unexpected end-of-file|bad archive|invalid NAR|not a valid NAR|does not exist in binary cache|error decompress|Zstd/i,
    why: "the binary cache sent a broken or incomplete archive",
    next: "Have the path uploaded to the cache again; hail tries again.",
  },
  {
    code: "cache-unreachable",
    signs:
      /unable to download|Could(?:n't| not) connect|Could(?:n't| not) resolve|Connection (?:refused|reset|timed out)|transfer closed|Transferred a partial file|HTTP error 5\d\d|HTTP error 429|Timeout was reached|SSL|certificate/i,
    why: "a binary cache cannot be reached or fails",
    next: "Check the substituters in nix.conf and the way to them; hail tries again.",
  },
  {
    code: "nix-missing",
    signs: /cannot connect to (?:socket|daemon)|opening lock file .*big-lock|daemon-socket/i,
    why: "the Nix daemon does not answer, or the store is not ours to write",
    next: "Start nix-daemon.socket, or run hail as root.",
  },
  {
    code: "path-unavailable",
    signs:
      /don't know how to build these paths|no substituter that can build it|some references of path .* could not be realised|is not valid|does not exist/i,
    why: "no substituter has it yet",
    next: "Check that Hydra's builds are uploaded to a substituter in nix.conf; hail tries again.",
  },
];

// Names of store paths are no words of Nix's: openssl is no failure of TLS, and zstd no broken archive.
const STORE_PATHS = /\/[^\s']*\/[0-9a-df-np-sv-z]{32}-[0-9A-Za-z+._?=-]+/g;
const PROGRESS = /^(?:copying|downloading|querying) /;

/**
 * Tells from what `nix-store --realise` printed why it failed. Where Nix gives no sign that is known, its own
 * last error stands as the reason.
 *
 * @param output What Nix printed, line by line.
 * @param status Its exit status.
 */
export function diagnoseRealise(output: readonly string[], status: number): Diagnosis {
  const telling = output.filter((line) => !PROGRESS.test(line));
  for (const { signs, code, why, next } of RULES) {
    const line = telling.find((line) => signs.test(line.replace(STORE_PATHS, "PATH")));
    if (line !== undefined) return { code, why: `${why} (Nix says: ${shorten(line)})`, next };
  }
  const error = output.findLast((line) => line.startsWith("error:")) ?? output.at(-1);
  return {
    code: "realise-failed",
    why: error === undefined
      ? `nix-store ended with status ${status} and said nothing`
      : `Nix says: ${shorten(error)}`,
    next: "Run nix-store --realise with the path by hand; hail tries again.",
  };
}

function shorten(line: string): string {
  const text = line.replace(/^(?:(?:error|warning): )+/, "");
  return text.length > 300 ? `${text.slice(0, 297)}...` : text;
}

/** A binary cache that answered a request for a path with a refusal. */
export interface Refusal {
  readonly uri: string;
  readonly status: number;
}

/**
 * Finds a refusal in what Nix prints at its highest verbosity. Once Nix knows a cache, it takes every refusal by it
 * for "the cache does not have this path" and says nothing; only its debug output tells the two apart.
 */
export function findRefusal(line: string): Refusal | null {
  const found = /^finished download of '([^']+)'.* HTTP status = (401|403|407)\b/.exec(line);
  return found === null ? null : { uri: found[1] ?? "", status: Number(found[2]) };
}

/** The diagnosis of a path that no substituter has, where a cache was found to have refused it. */
export function diagnoseRefusal({ uri, status }: Refusal): Diagnosis {
  // Some caches, such as those in S3, answer 403 for what they do not have.
  return status === 403
    ? {
      code: "path-unavailable",
      why: `no substituter has it yet, or the cache refuses access: it answers ${uri} with status 403`,
      next:
        "Check that Hydra's builds are uploaded to it, and this host's credentials for it; hail tries again.",
    }
    : {
      code: "cache-refused",
      why: `the binary cache refuses access: it answers ${uri} with status ${status}`,
      next: CHECK_PASSWORD,
    };
}
