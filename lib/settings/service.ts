/** What hail is told: of one service, and of itself. Times are in milliseconds. */
import type { Policy } from "../deployment/decision.ts";
import type { GateSpec } from "../gates/spec.ts";
import type { HealthCheck } from "../health/check.ts";
import type { JobUri } from "../hydra/job_uri.ts";
import type { ProfilePath } from "../nix/profile_name.ts";

/** How a service is kept at the newest build of a job. */
export interface ServiceSettings {
  /** What operators call it: the name in the configuration, or the name of its profile. */
  readonly name: string;
  readonly profile: ProfilePath;
  readonly jobUri: JobUri;
  readonly netrcFile: string | undefined;
  readonly period: number;
  /** The file with the number of this host in its fleet, which says when in the period it polls; undefined for the usual one. */
  readonly hostNumberFile: string | undefined;
  readonly request: number;
  readonly realise: number;
  readonly activation: number;
  /** What runs an activation: a unit of systemd's, or a child of hail's. `auto`: a unit, where that can be. */
  readonly activationRunner: "auto" | "unit" | "child";
  /** Exit statuses of an activation that stand for "switched, but some unit failed". */
  readonly degradedStatuses: readonly number[];
  readonly healthChecks: readonly HealthCheck[];
  /** Within which all checks must pass. */
  readonly healthTimeout: number;
  /** How long they must hold then. */
  readonly soak: number;
  /** Within which Hydra must answer after an activation; null where that is not asked for. */
  readonly confirm: number | null;
  readonly onManualChange: Policy["onManualChange"];
  readonly refuseDowngrade: boolean;
  readonly retention: { readonly generations: number | null; readonly days: number | null };
  /** What must allow a deployment. */
  readonly gates: readonly GateSpec[];
  /** The services, by name, that have to be active before this one is deployed. Empty on the classic command line. */
  readonly after: readonly string[];
  /** What becomes of it when it is taken out of the configuration. */
  readonly onRemoval: OnRemoval;
  /** The name that it had in the configuration before. */
  readonly renamedFrom: string | undefined;
  /**
   * The words of a classic command line that means the same, each option once, for the commands that act in place of a
   * hail that does not run, and to see what a new configuration changes.
   */
  readonly words: readonly string[];
}

/** What becomes of a service that hail is not to keep any more; never the data of the service. */
export const ON_REMOVAL = [
  /** Nothing: it runs on as it is. */
  "keep",
  /** Its `bin/deactivate` runs; the profile stays. */
  "deactivate",
  /** As `deactivate`; then the profile and its generations go. */
  "purge",
] as const;

/** One of {@linkcode ON_REMOVAL}. */
export type OnRemoval = (typeof ON_REMOVAL)[number];

/** What the agent as a whole is told. */
export interface AgentSettings {
  /** The folder for what hail remembers; undefined for the usual one. */
  readonly stateDir: string | undefined;
  /** How many realisations, and how many activations, are under way at once at the most. */
  readonly maxRealisations: number;
  readonly maxActivations: number;
  /** Where to be woken over HTTP; null for nowhere. */
  readonly wake: {
    readonly hostname: string;
    readonly port: number;
    /** The file with the secret. */
    readonly secretFile: string;
  } | null;
  readonly services: readonly ServiceSettings[];
}
