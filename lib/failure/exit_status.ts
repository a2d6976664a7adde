/**
 * The exit statuses of hail. They are part of the command line's contract: scripts branch on them, so a number
 * is never given a second meaning.
 */
export const EXIT_STATUS = {
  /** The profile is at the latest build and its activation succeeded. */
  ok: 0,
  /** A fault of hail itself. */
  internal: 1,
  /** Wrong use: the command line, or a file named on it. */
  usage: 2,
  /** Hydra cannot be reached, takes too long, or fails. */
  hydraUnavailable: 10,
  /** Hydra refuses, has no successful build, or answers what cannot be used. */
  hydraUnusable: 11,
  /** The store path could not be realised. */
  realiseFailed: 12,
  /** The profile could not be pointed at the store path. */
  switchFailed: 13,
  /** The profile's `bin/activate` is missing, failed, or took too long; the roll-back succeeded. */
  activationFailed: 14,
  /** Another hail holds the profile. */
  profileHeld: 15,
  /** The health checks or the confirmation failed; the roll-back succeeded. */
  healthFailed: 16,
  /** A deployment failed, and so did the roll-back. */
  rollbackFailed: 17,
  /** The latest build is not deployed on purpose: marked bad, held, paused, or a gate is closed. */
  notDeployed: 18,
} as const;

/** One of hail's exit statuses. */
export type ExitStatus = (typeof EXIT_STATUS)[keyof typeof EXIT_STATUS];
