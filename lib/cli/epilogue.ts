import { EXIT_STATUS } from "../failure/exit_status.ts";

/** What the exit statuses mean, one clause each. README has the same table. */
export const EXIT_STATUSES: readonly (readonly [number, string])[] = [
  [EXIT_STATUS.ok, "the profile is at the latest build and its activation succeeded"],
  [EXIT_STATUS.internal, "a fault of hail itself"],
  [EXIT_STATUS.usage, "wrong use: the command line, or a file that it names"],
  [EXIT_STATUS.hydraUnavailable, "Hydra cannot be reached, takes too long, or fails"],
  [EXIT_STATUS.hydraUnusable, "Hydra refuses, has no successful build, or its answer is unusable"],
  [EXIT_STATUS.realiseFailed, "the store path could not be realised"],
  [EXIT_STATUS.switchFailed, "the profile could not be switched"],
  [EXIT_STATUS.activationFailed, "the activation failed, and hail has rolled back"],
  [EXIT_STATUS.profileHeld, "another hail holds the profile"],
  [EXIT_STATUS.healthFailed, "the health checks failed, and hail has rolled back"],
  [EXIT_STATUS.rollbackFailed, "a deployment failed, and so did the roll-back"],
  [EXIT_STATUS.notDeployed, "not deployed: marked bad, held, paused, a gate is closed or has failed"],
];

/** The end of the help: examples, exit statuses and signals. No line is longer than 80 columns. */
export function epilogue(): string {
  return [
    "",
    "Examples:",
    "  hail --profile web --job-uri https://hydra.example/job/shop/main/web",
    "  hail --profile web --job-uri https://hydra.example/job/shop/main/web --oneshot",
    "  hail status; hail pause web --for 8h --reason 'it is busy'; hail rollback",
    "  hail config check && hail agent",
    "",
    "Exit status of --oneshot, and of the commands, whose 0 is that it is done:",
    ...EXIT_STATUSES.map(([status, meaning]) => `  ${String(status).padStart(3)}  ${meaning}`),
    "  143  SIGTERM ended it before it was done; 130: SIGINT did",
    "",
    "Without --oneshot, hail runs until SIGTERM or SIGINT and exits with 0; before",
    "that, only 1, 2, 13 and 15 can end it. SIGHUP makes it poll at once, and",
    "an agent read its configuration again.",
    "Completion for a shell: source <(hail complete bash), likewise zsh and fish.",
  ].join("\n");
}
