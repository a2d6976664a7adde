import { EXIT_STATUS, type ExitStatus } from "./exit_status.ts";

/**
 * Every way in which hail's work can fail, and the exit status that a `--oneshot` run ends with.
 *
 * The codes are stable: they stand in JSON logs, so that an alert can be tied to one of them.
 */
export const FAILURE_EXIT_STATUS = {
  "internal": EXIT_STATUS.internal,
  "usage": EXIT_STATUS.usage,
  "unknown-service": EXIT_STATUS.usage,
  "netrc-unusable": EXIT_STATUS.usage,
  "hydra-unreachable": EXIT_STATUS.hydraUnavailable,
  "hydra-timeout": EXIT_STATUS.hydraUnavailable,
  "hydra-failed": EXIT_STATUS.hydraUnavailable,
  "hydra-refused": EXIT_STATUS.hydraUnusable,
  "hydra-no-build": EXIT_STATUS.hydraUnusable,
  "hydra-unusable": EXIT_STATUS.hydraUnusable,
  "nix-missing": EXIT_STATUS.realiseFailed,
  "path-unavailable": EXIT_STATUS.realiseFailed,
  "signature-refused": EXIT_STATUS.realiseFailed,
  "cache-refused": EXIT_STATUS.realiseFailed,
  "cache-unreachable": EXIT_STATUS.realiseFailed,
  "cache-corrupt": EXIT_STATUS.realiseFailed,
  "disk-full": EXIT_STATUS.realiseFailed,
  "no-room": EXIT_STATUS.realiseFailed,
  "realise-timeout": EXIT_STATUS.realiseFailed,
  "realise-failed": EXIT_STATUS.realiseFailed,
  "switch-failed": EXIT_STATUS.switchFailed,
  "activate-missing": EXIT_STATUS.activationFailed,
  "activate-not-executable": EXIT_STATUS.activationFailed,
  "activation-timeout": EXIT_STATUS.activationFailed,
  "activation-aborted": EXIT_STATUS.activationFailed,
  "activation-failed": EXIT_STATUS.activationFailed,
  "activation-not-run": EXIT_STATUS.activationFailed,
  "profile-held": EXIT_STATUS.profileHeld,
  "health-failed": EXIT_STATUS.healthFailed,
  "confirmation-failed": EXIT_STATUS.healthFailed,
  "rollback-failed": EXIT_STATUS.rollbackFailed,
  "marked-bad": EXIT_STATUS.notDeployed,
  "held": EXIT_STATUS.notDeployed,
  "paused": EXIT_STATUS.notDeployed,
  "downgrade-refused": EXIT_STATUS.notDeployed,
  "gate-closed": EXIT_STATUS.notDeployed,
  "gate-failed": EXIT_STATUS.notDeployed,
  "state-unwritable": EXIT_STATUS.internal,
  "state-damaged": EXIT_STATUS.internal,
  "state-newer": EXIT_STATUS.usage,
} as const satisfies Record<string, ExitStatus>;

/** A stable name of one way to fail. */
export type FailureCode = keyof typeof FAILURE_EXIT_STATUS;

/** The parts of a {@linkcode Failure}. */
export interface FailureParts {
  /** The thing that failed, by name: a URI, a file, a store path. Never a secret. */
  readonly what: string;
  /** What is wrong with it, in one clause. */
  readonly why: string;
  /** What the operator can do next, as one sentence. */
  readonly next: string;
  /** The error underneath, for debugging. Its text is not shown to the operator. */
  readonly cause?: unknown;
  /** How long the other side asks to be left alone, in milliseconds. */
  readonly retryAfter?: number;
  /** Whether the other side has noticed nothing of it, so that another try is no load to it. @default false */
  readonly unnoticed?: boolean;
}

/**
 * A failure that hail expects and can explain. Everything else that is thrown is a fault of hail itself and
 * ends with exit status 1.
 *
 * The message reads `WHAT: WHY`; {@linkcode Failure.next} is the hint that stands beside it in the log.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  readonly what: string;
  readonly why: string;
  readonly next: string;
  readonly retryAfter: number | undefined;
  readonly unnoticed: boolean;

  constructor(code: FailureCode, parts: FailureParts) {
    super(`${parts.what}: ${parts.why}`, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.what = parts.what;
    this.why = parts.why;
    this.next = parts.next;
    this.retryAfter = parts.retryAfter;
    this.unnoticed = parts.unnoticed ?? false;
  }

  /** The exit status of a `--oneshot` run that ends with this failure. */
  get exitStatus(): ExitStatus {
    return FAILURE_EXIT_STATUS[this.code];
  }
}
