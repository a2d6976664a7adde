/**
 * Every setting of hail. The options of the classic command line, the keys of a configuration file, its JSON Schema and
 * `docs/configuration.md` are made from here. Keys are the names of the long options.
 */
import type { Policy } from "../deployment/decision.ts";
import type { GateSpec } from "../gates/spec.ts";
import type { HealthCheck } from "../health/check.ts";
import type { JobUri } from "../hydra/job_uri.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import { type Level, LEVELS } from "../report/event.ts";
import { LOG_FORMATS, type LogFormat } from "../report/log.ts";
import {
  choice,
  count,
  duration,
  type Endpoint,
  endpoint,
  file,
  folder,
  gate,
  healthCheck,
  jobUri,
  profile,
  serviceName,
  serviceNames,
  statuses,
} from "./notation.ts";
import { ON_REMOVAL, type OnRemoval, type ServiceSettings } from "./service.ts";
import { flag, list, one, optional, type Place, required, type Table } from "./setting.ts";

/** What is read of the settings of a service. Times are in milliseconds. */
export interface ServiceValues {
  "profile": ProfilePath;
  "job-uri": JobUri;
  "netrc-file": string | undefined;
  "poll-period": number;
  "host-number-file": string | undefined;
  "on-manual-change": Policy["onManualChange"];
  "refuse-downgrade": boolean;
  "activation-runner": ServiceSettings["activationRunner"];
  "gate": readonly GateSpec[];
  "activation-degraded-status": readonly number[];
  "health-check": readonly HealthCheck[];
  "soak-time": number;
  "confirm-hydra": boolean;
  "request-timeout": number;
  "realise-timeout": number;
  "activation-timeout": number;
  "health-timeout": number;
  "confirm-timeout": number;
  "keep-generations": number | null;
  "keep-days": number | null;
  "after": readonly string[];
  "on-removal": OnRemoval;
  "renamed-from": string | undefined;
}

/** What is read of the settings of hail as a whole. */
export interface AgentValues {
  "state-dir": string | undefined;
  "max-realisations": number;
  "max-activations": number;
  "wake-listen": Endpoint | null;
  "wake-secret-file": string | null;
  "log-level": Level;
  "log-format": LogFormat;
}

/** For one service only. */
const OWN: readonly Place[] = ["command-line", "service"];
/** For one service or all. */
const SHARED: readonly Place[] = ["command-line", "defaults", "service"];

const ON_MANUAL_CHANGE = ["respect", "hold", "ignore"] as const;
const RUNNERS = ["auto", "unit", "child"] as const;

const LIMIT = duration("time limit");

// What stands in for what nobody says. A slow Hydra needs half a minute for `latest`; a large closure over a thin line
// takes hours; an activation may have to wait for a service to stop.
/** The settings of a service. */
export const SERVICE_SETTINGS: Table<ServiceValues> = {
  "profile": required(profile, {
    group: "Deployment",
    placeholder: "PROFILE",
    about:
      "The profile to keep at the latest build: a name below Nix's profiles folder, or an absolute path.",
    more:
      "The folder is `/nix/var/nix/profiles`, or `profiles` below `NIX_STATE_DIR`. In a configuration file it is the service's name where it is not said. Two services cannot keep one profile.",
    places: OWN,
  }),
  "job-uri": required(jobUri, {
    group: "Deployment",
    placeholder: "URI",
    about:
      "The Hydra job: http(s)://HOST/job/PROJECT/JOBSET/JOB, which may end in /latest, /latest-finished or /latest-for/SYSTEM.",
    more: "Login and password do not stand in it but in the netrc file.",
    places: OWN,
  }),
  "netrc-file": optional(file, undefined, {
    group: "Deployment",
    placeholder: "FILE",
    about: "Where login and password for Hydra's host stand.",
    places: SHARED,
    none: "/etc/netrc, if it exists",
  }),
  "poll-period": one(duration("period"), {
    group: "Deployment",
    placeholder: "PERIOD",
    about: "How long to wait between polls: minutes, or a time such as 30s, 5m, 1h.",
    places: SHARED,
    initial: "5m",
  }),
  "host-number-file": optional(file, undefined, {
    group: "Deployment",
    placeholder: "FILE",
    about:
      "Where the number of this host stands, from 0: hosts that are numbered without gaps poll at evenly spaced moments, others at moments that chance has chosen.",
    more: "It is a file since hosts may share a configuration; it is read when hail starts.",
    places: SHARED,
    none: "/etc/hail/host-number, if it exists",
  }),
  "on-manual-change": one(choice(ON_MANUAL_CHANGE), {
    group: "Deployment",
    placeholder: "WHAT",
    about:
      "When somebody else changes the profile: respect it until Hydra names another build, hold until `hail resume`, or ignore it.",
    places: SHARED,
    initial: "respect",
  }),
  "refuse-downgrade": flag({
    group: "Deployment",
    about: "Never deploy a build with a lower id than the active one.",
    places: SHARED,
  }),
  "activation-runner": one(choice(RUNNERS), {
    group: "Deployment",
    placeholder: "WHAT",
    about:
      "What runs bin/activate: a systemd unit of its own, which outlives hail, or a child of hail, with hail's environment. auto: a unit where systemd runs, as root.",
    places: SHARED,
    initial: "auto",
  }),
  "gate": list(gate, {
    group: "Deployment",
    placeholder: "SPEC",
    about:
      "What must allow a deployment, by kind: 'window TIMES', 'blackout DATES', 'delay AGE', 'jobset HOW', 'inhibit FOLDER' or 'exec PROGRAM'. May be repeated; docs/gates.md has the rest.",
    places: SHARED,
    none: "none but inhibit /run/hail/inhibit.d",
  }),
  "activation-degraded-status": list(statuses, {
    group: "Health and roll-back",
    placeholder: "LIST",
    about:
      "Exit statuses of bin/activate that mean: switched, but some unit failed. Then the checks decide. 4 for NixOS.",
    places: SHARED,
  }),
  "health-check": list(healthCheck, {
    group: "Health and roll-back",
    placeholder: "SPEC",
    about:
      "What must hold after an activation, else hail rolls back: 'http URL', 'tcp HOST:PORT', 'exec PROGRAM' or 'unit NAME'. May be repeated; docs/health.md has the rest.",
    places: SHARED,
  }),
  "soak-time": one(duration("soak time", 0), {
    group: "Health and roll-back",
    placeholder: "TIME",
    about: "How long the checks must hold before a build counts.",
    places: SHARED,
    initial: "10s",
  }),
  "confirm-hydra": flag({
    group: "Health and roll-back",
    about: "Roll back if Hydra cannot be reached after an activation.",
    places: SHARED,
  }),
  "request-timeout": one(LIMIT, {
    group: "Time limits",
    placeholder: "LIMIT",
    about: "For one request to Hydra.",
    places: SHARED,
    initial: "1m",
  }),
  "realise-timeout": one(LIMIT, {
    group: "Time limits",
    placeholder: "LIMIT",
    about: "For fetching a build and its closure.",
    places: SHARED,
    initial: "2h",
  }),
  "activation-timeout": one(LIMIT, {
    group: "Time limits",
    placeholder: "LIMIT",
    about: "For one run of bin/activate.",
    places: SHARED,
    initial: "15m",
  }),
  "health-timeout": one(LIMIT, {
    group: "Time limits",
    placeholder: "LIMIT",
    about: "For the health checks to pass.",
    places: SHARED,
    initial: "5m",
  }),
  "confirm-timeout": one(LIMIT, {
    group: "Time limits",
    placeholder: "LIMIT",
    about: "For confirm-hydra.",
    places: SHARED,
    initial: "2m",
  }),
  "keep-generations": optional(count(1, 1_000_000), null, {
    group: "Retention",
    placeholder: "N",
    about: "After a success old generations go; the newest N stay.",
    places: SHARED,
    none: "all stay",
  }),
  "keep-days": optional(count(1, 100_000), null, {
    group: "Retention",
    placeholder: "DAYS",
    about: "Likewise; those of so many days stay. With both, a generation goes only if neither keeps it.",
    places: SHARED,
    none: "all stay",
  }),
  "after": list(serviceNames, {
    group: "Order and removal",
    placeholder: "SERVICE",
    about: "The services that must be active before this one is deployed or updated.",
    more: "See [order](#order).",
    places: ["service"],
  }),
  "on-removal": one(choice(ON_REMOVAL), {
    group: "Order and removal",
    placeholder: "WHAT",
    about:
      "When the service is taken out of the configuration: keep it as it is, deactivate it (run its bin/deactivate), or purge it (and remove the profile and its generations).",
    more: "See [removal](#removal).",
    places: ["defaults", "service"],
    initial: "keep",
  }),
  "renamed-from": optional(serviceName, undefined, {
    group: "Order and removal",
    placeholder: "SERVICE",
    about:
      "The name that the service had in this configuration before, so that the old one is not taken for removed.",
    more: "See [another name](#another-name).",
    places: ["service"],
    none: "none",
  }),
};

/** The settings of hail as a whole. */
export const AGENT_SETTINGS: Table<AgentValues> = {
  "state-dir": optional(folder, undefined, {
    group: "Deployment",
    placeholder: "DIR",
    about: "Where hail keeps what it remembers.",
    places: ["command-line", "agent"],
    none: "STATE_DIRECTORY, or /var/lib/hail; without root $XDG_STATE_HOME/hail or ~/.local/state/hail",
  }),
  "max-realisations": one(count(1, 1_000), {
    group: "Agent",
    placeholder: "N",
    about: "How many builds may be fetched at once. One that takes longer than 10 minutes no longer counts.",
    places: ["agent"],
    initial: "2",
  }),
  "max-activations": one(count(1, 1_000), {
    group: "Agent",
    placeholder: "N",
    about: "How many activations may run at once. One that takes longer than a minute no longer counts.",
    places: ["agent"],
    initial: "2",
  }),
  "wake-listen": optional(endpoint, null, {
    group: "Agent",
    placeholder: "HOST:PORT",
    about: "Where to listen over HTTP for the word that there is a new build. It needs wake-secret-file.",
    places: ["agent"],
    none: "nowhere",
  }),
  "wake-secret-file": optional(file, null, {
    group: "Agent",
    placeholder: "FILE",
    about: "The file with the secret that such a word has to prove.",
    more: "[wake.md](wake.md) has both.",
    places: ["agent"],
    none: "none",
  }),
  "log-level": one(choice(LEVELS), {
    group: "Log",
    placeholder: "LEVEL",
    about: "The least level to write.",
    more: "As an option of `hail agent` it comes before what the file says.",
    places: ["command-line", "agent"],
    initial: "info",
  }),
  "log-format": one(choice(LOG_FORMATS), {
    group: "Log",
    placeholder: "FORMAT",
    about: "How to write it.",
    more: "Likewise.",
    places: ["command-line", "agent"],
    initial: "text",
  }),
};

/** The keys of a table, in its order. */
export function keysOf<V>(table: Table<V>): readonly (keyof V & string)[] {
  const keys: (keyof V & string)[] = [];
  for (const key in table) keys.push(key);
  return keys;
}
