/**
 * The certificates of authorities that a Hydra over https may be signed by.
 *
 * Deno trusts the authorities of Mozilla, which it carries with it, and looks at nothing else on its own, unless
 * DENO_TLS_CA_STORE or DENO_CERT says so. What is read here is trusted beside those, so that what curl and Nix trust on
 * this host, hail trusts as well.
 */
import { Failure } from "../failure/failure.ts";

/** Certificates of authorities, and where they come from. */
export interface Certificates {
  /** The file that they stand in, or `null` if there is none. */
  readonly file: string | null;
  /** Each in PEM. */
  readonly pem: readonly string[];
}

/** No certificates beside those that Deno trusts. */
export const NO_CERTIFICATES: Certificates = { file: null, pem: [] };

/** The variables that name a file, the first that is set counts. Nix reads them in the same order. */
const VARIABLES = ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"] as const;

/** Where distributions keep the authorities of the system: Debian, Arch and NixOS; openSUSE; Fedora and RHEL. */
export const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/ssl/certs/ca-bundle.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
] as const;

const BLOCK = /-----BEGIN CERTIFICATE-----[0-9A-Za-z+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Reads the certificates for requests to an origin. For `http:` nothing is read.
 *
 * @param origin The origin of the job URI.
 * @param env The variables of the environment. One that is empty counts as not set.
 * @param readTextFile Reads a file, or rejects.
 * @throws {Failure} `usage` if a file that a variable names cannot be read or holds no certificate. System bundles
 * that are missing or empty are passed over.
 */
export async function readCertificates(
  origin: string,
  env: { get(name: string): string | undefined },
  readTextFile: (file: string) => Promise<string>,
): Promise<Certificates> {
  if (!origin.startsWith("https:")) return NO_CERTIFICATES;
  const variable = VARIABLES.find((name) => (env.get(name) ?? "") !== "");
  if (variable !== undefined) return await readNamed(variable, env.get(variable) ?? "", readTextFile);
  for (const file of SYSTEM_BUNDLES) {
    const pem = await readTextFile(file).then(blocks, () => []);
    if (pem.length > 0) return { file, pem };
  }
  return NO_CERTIFICATES;
}

async function readNamed(
  variable: string,
  file: string,
  readTextFile: (file: string) => Promise<string>,
): Promise<Certificates> {
  const refuse = (why: string, cause?: unknown) =>
    new Failure("usage", {
      what: `${file} (named by ${variable})`,
      why,
      next: `Let ${variable} name a file with certificates in PEM, or leave it unset.`,
      cause,
    });
  let text: string;
  try {
    text = await readTextFile(file);
  } catch (error) {
    throw refuse(
      error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read",
      error,
    );
  }
  const pem = blocks(text);
  if (pem.length === 0) throw refuse("it holds no certificate");
  return { file, pem };
}

function blocks(text: string): string[] {
  return text.match(BLOCK) ?? [];
}
