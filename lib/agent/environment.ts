/** What an activation that is a unit of its own is given, where hail has it. Every user can read it there. */
export const ACTIVATION_ENVIRONMENT = [
  "PATH",
  "HOME",
  "USER",
  "LANG",
  "LC_ALL",
  "TZ",
  "NIX_PATH",
  "NIX_REMOTE",
  "NIX_CONF_DIR",
  "NIX_STATE_DIR",
  "NIX_STORE_DIR",
  "NIX_SSL_CERT_FILE",
  "SSL_CERT_FILE",
] as const;

/**
 * Every variable of the environment that hail reads. The executable is compiled with the permission to read these
 * and no others, so a new one is added here first. (Deno itself reads the proxies' variables.)
 */
export const ENVIRONMENT = [
  ...ACTIVATION_ENVIRONMENT,
  "STATE_DIRECTORY",
  "XDG_STATE_HOME",
  "INVOCATION_ID",
  "NOTIFY_SOCKET",
  "WATCHDOG_USEC",
  "WATCHDOG_PID",
  "JOURNAL_STREAM",
  "NO_COLOR",
  // Set while a health check is made ready, which no proxy is to answer.
  "NO_PROXY",
  "no_proxy",
  // See agent/fail_points.ts.
  "HAIL_FAIL_POINT",
] as const;

/** One of {@linkcode ENVIRONMENT}. */
export type EnvironmentName = (typeof ENVIRONMENT)[number];

/** The variables of the environment. */
export interface Environment {
  get(name: EnvironmentName): string | undefined;
  /** Takes a variable out, so that the programs that hail starts do not see it. */
  delete(name: EnvironmentName): void;
}
