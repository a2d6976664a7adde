/**
 * Every variable of the environment that hail reads. The executable is compiled with the permission to read these
 * and no others, so a new one is added here first. (Deno itself reads the proxies' variables.)
 */
export const ENVIRONMENT = [
  "NIX_STATE_DIR",
  "NIX_STORE_DIR",
  "NIX_SSL_CERT_FILE",
  "SSL_CERT_FILE",
  "NOTIFY_SOCKET",
  "WATCHDOG_USEC",
  "WATCHDOG_PID",
  "JOURNAL_STREAM",
  "NO_COLOR",
] as const;

/** One of {@linkcode ENVIRONMENT}. */
export type EnvironmentName = (typeof ENVIRONMENT)[number];

/** The variables of the environment. */
export interface Environment {
  get(name: EnvironmentName): string | undefined;
  /** Takes a variable out, so that the programs that hail starts do not see it. */
  delete(name: EnvironmentName): void;
}
