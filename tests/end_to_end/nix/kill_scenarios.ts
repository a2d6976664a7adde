import type { CommandResult } from "../../support/command.ts";
import type { KillHost, Program, VersionName, When } from "./kill_host.ts";
import { READ_ONLY, type SituationName } from "./kill_situations.ts";

/** What a host comes to. */
export interface End {
  /** What the profile points at, what the service runs and what is recorded as active. */
  readonly at: VersionName | null;
  /** The builds that are marked bad. */
  readonly bad: readonly VersionName[];
  /** What `hail --oneshot` ends with: 0 or 18. */
  readonly status: number;
}

/** How hail is driven to a transition, and what must come of it when it is killed there. */
export interface Scenario {
  readonly given: SituationName;
  /** What is done to the host before the hail that is to be killed. */
  readonly first?: (host: KillHost) => unknown;
  /** Runs the hail that is to be killed. @default `hail --oneshot` */
  readonly run?: (host: KillHost, point: string) => Promise<CommandResult>;
  /** What is done to the host before the hail that is to go on. */
  readonly then?: (host: KillHost) => unknown;
  /** What the host comes to; it may matter whether the transition was written. */
  readonly ends: End | Readonly<Record<When, End>>;
}

/** The latest build runs. */
const runs = (at: VersionName, ...bad: VersionName[]): End => ({ at, bad, status: 0 });
/** The latest build is not deployed, on purpose. */
const refuses = (at: VersionName | null, ...bad: VersionName[]): End => ({ at, bad, status: 18 });

type Trouble = (host: KillHost, version: VersionName) => void;
const once = (program: Program, script: string, behind = false): Trouble => (host, version) =>
  host.once(program, version, script, behind);
const fails = (program: Program): Trouble => (host, version) => host.fails(program, version);
/** Makes Hydra name a version, with which something goes wrong. */
const announce = (version: VersionName, trouble: Trouble = () => {}) => (host: KillHost) => {
  host.announce(version);
  trouble(host, version);
};
const resume = (host: KillHost) => host.run(["resume"]);
const pause = (host: KillHost) => host.run(["pause"]);
const rollback = (host: KillHost, point: string) => host.run(["rollback"], point);
const set = (host: KillHost, version: VersionName) =>
  `nix-env --profile "$PROFILE" --set ${host.path(version)}`;
const GENERATION_1 = 'nix-env --profile "$PROFILE" --switch-generation 1';
const BACK = 'nix-env --profile "$PROFILE" --rollback';

const PAUSE = '"$HAIL" pause --state-dir "$STATE" || exit';
/** Only a hail that goes on can be asked for something. */
const loop = (host: KillHost, point: string) => host.runLoop(point, () => Promise.resolve());

const pausedUpdate = async (host: KillHost) => {
  host.announce("v2");
  await pause(host);
};
/** An update to v2 that fails, and is rolled back. */
const brokenUpdate = announce("v2", fails("activate"));

/** Starts a hail that meets a build that it does not deploy, after which Hydra moves back to what runs. */
const movesBack = (until: RegExp) => (host: KillHost, point: string) =>
  host.runLoop(point, async (hail) => {
    await hail.printed(until);
    host.announce("v1");
    hail.pollAgain();
  });

/**
 * For each transition of the table a way to get there: `STATE EVENT`, or `STATE EVENT (KIND)` where it leads each kind of
 * deployment elsewhere. Another way to the same one has a word in brackets behind it.
 */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  // Hydra names a build.
  "idle build-found": { given: "nothing", ends: runs("v1") },
  "waiting build-found": { given: "waiting-first", ends: runs("v1") },
  "active build-found": { given: "active", first: announce("v2"), ends: runs("v2") },
  "rolled-back build-found": { given: "rolled-back-first", first: announce("v3"), ends: runs("v3", "v1") },
  "failed build-found": { given: "failed-update", first: announce("v3"), ends: runs("v3", "v2") },
  "held build-found": { given: "held-first", first: resume, ends: runs("v1") },
  "discovered admitted": { given: "active", first: announce("v2"), ends: runs("v2") },

  // It is not to be deployed.
  "idle refused": { given: "idle", first: pause, ends: refuses(null) },
  "waiting refused": { given: "waiting-first", first: pause, ends: refuses(null) },
  "active refused": {
    given: "active",
    first: pausedUpdate,
    ends: refuses("v1"),
  },
  "realising refused (update)": {
    given: "active",
    first: announce("v2", once("realise", PAUSE)),
    run: loop,
    ends: refuses("v1"),
  },
  "realising refused (first)": {
    given: "nothing",
    first: announce("v1", once("realise", PAUSE)),
    run: loop,
    ends: refuses(null),
  },
  "realising refused (rescue)": {
    given: "failed-update",
    first: announce("v3", once("realise", PAUSE)),
    run: loop,
    then: (host) => host.mend("activate", "v1"),
    ends: refuses("v1", "v2"),
  },

  // It runs already.
  "waiting up-to-date": {
    given: "active",
    first: announce("v2", once("realise", "exit 1")),
    run: movesBack(/Next try in/),
    ends: runs("v1"),
  },
  "rolled-back up-to-date": {
    given: "active",
    first: brokenUpdate,
    run: movesBack(/Next try in/),
    ends: runs("v1", "v2"),
  },
  "held up-to-date": {
    given: "active",
    first: pausedUpdate,
    run: movesBack(/not deployed: build/),
    ends: runs("v1"),
  },

  // Forwards.
  "realising realised": { given: "active", first: announce("v2"), ends: runs("v2") },
  "realising realise-failed (update)": {
    given: "active",
    first: announce("v2", once("realise", "exit 1")),
    ends: runs("v2"),
  },
  "realising realise-failed (first)": {
    given: "nothing",
    first: announce("v1", once("realise", "exit 1")),
    ends: runs("v1"),
  },
  "realising realise-failed (rescue)": {
    given: "failed-update",
    first: announce("v3", once("realise", "exit 1")),
    ends: runs("v3", "v2"),
  },
  "discovered interrupted (update)": { given: "discovered-update", ends: runs("v2") },
  "discovered interrupted (first)": { given: "discovered-first", ends: runs("v1") },
  "discovered interrupted (rescue)": { given: "discovered-rescue", ends: runs("v3", "v2") },
  "realising interrupted (update)": { given: "realising-update", ends: runs("v2") },
  "realising interrupted (first)": { given: "realising-first", ends: runs("v1") },
  "realising interrupted (rescue)": { given: "realising-rescue", ends: runs("v3", "v2") },
  "switching switched": { given: "active", first: announce("v2"), ends: runs("v2") },
  "switching switch-failed (update)": {
    given: "active",
    first: announce("v2", once("set", "exit 1")),
    ends: runs("v2"),
  },
  "switching switch-failed (first)": {
    given: "nothing",
    first: announce("v1", once("set", "exit 1")),
    ends: runs("v1"),
  },
  "switching switch-failed (rescue)": {
    given: "failed-update",
    first: announce("v3", once("set", "exit 1")),
    ends: runs("v3", "v2"),
  },
  "switching switch-broke": {
    given: "active",
    first: announce("v2", once("set", 'rm "$PROFILE"; exit 1')),
    ends: runs("v2"),
  },
  "activating activated": { given: "active", first: announce("v2"), ends: runs("v2") },
  "activating activation-failed (update)": {
    given: "active",
    first: brokenUpdate,
    ends: refuses("v1", "v2"),
  },
  "activating activation-failed (rescue)": {
    given: "failed-update",
    first: announce("v3", fails("activate")),
    then: (host) => host.mend("activate", "v1"),
    ends: refuses("v1", "v2", "v3"),
  },
  "activating activation-failed (first)": {
    given: "nothing",
    first: announce("v1", fails("activate")),
    ends: refuses(null, "v1"),
  },
  "activating activation-failed (restart)": {
    given: "active",
    first: announce("v1", once("activate", "exit 1")),
    ends: runs("v1"),
  },
  "verifying verified": { given: "active", first: announce("v2"), ends: runs("v2") },
  "verifying verification-failed (update)": {
    given: "active",
    first: announce("v2", fails("health-check")),
    ends: refuses("v1", "v2"),
  },
  "verifying verification-failed (rescue)": {
    given: "failed-update",
    first: announce("v3", fails("health-check")),
    then: (host) => host.mend("activate", "v1"),
    ends: refuses("v1", "v2", "v3"),
  },
  "verifying verification-failed (first)": {
    given: "nothing",
    first: announce("v1", fails("health-check")),
    ends: refuses(null, "v1"),
  },
  "verifying verification-failed (restart)": {
    given: "active",
    first: announce("v1", once("health-check", "exit 1")),
    ends: runs("v1"),
  },

  // Backwards.
  "rolling-back restored": { given: "active", first: brokenUpdate, ends: refuses("v1", "v2") },
  "rolling-back restore-failed": {
    given: "active",
    first: (host) => {
      brokenUpdate(host);
      host.once("set", "v1", "exit 1");
    },
    ends: refuses("v1", "v2"),
  },
  "reactivating reactivated": { given: "active", first: brokenUpdate, ends: refuses("v1", "v2") },
  "reactivating reactivation-failed": {
    given: "activating",
    first: (host) => {
      host.fails("activate", "v2");
      host.once("activate", "v1", "exit 1");
    },
    ends: refuses("v1", "v2"),
  },
  "reverifying reverified": { given: "active", first: brokenUpdate, ends: refuses("v1", "v2") },
  "reverifying reverification-failed": {
    given: "activating",
    first: (host) => {
      host.fails("activate", "v2");
      host.once("health-check", "v1", "exit 1");
    },
    ends: refuses("v1", "v2"),
  },
  "undoing undone": {
    given: "nothing",
    first: announce("v1", fails("activate")),
    ends: refuses(null, "v1"),
  },
  "undoing undo-failed": {
    given: "nothing",
    first: (host) => {
      host.fails("activate", "v1");
      host.once("deactivate", "v1", READ_ONLY);
    },
    ends: refuses(null, "v1"),
  },
  "failed retried (update)": {
    given: "failed-update",
    then: (host) => host.mend("activate", "v1"),
    ends: refuses("v1", "v2"),
  },
  "failed retried (rescue)": {
    given: "failed-rescue",
    then: (host) => host.mend("activate", "v1"),
    ends: runs("v3", "v2"),
  },
  "failed retried (rollback)": {
    given: "failed-rollback",
    then: (host) => host.mend("activate", "v0"),
    ends: refuses("v0", "v1"),
  },
  "failed retried (first)": { given: "failed-first", ends: refuses(null, "v1") },
  "failed retried (restart)": {
    given: "failed-restart",
    then: (host) => host.mend("activate", "v1"),
    ends: runs("v1"),
  },

  // A start of hail.
  "idle started": { given: "found", ends: runs("v1") },
  "waiting started": { given: "waiting", ends: runs("v2") },
  "active started": { given: "active", ends: runs("v1") },
  "rolled-back started": { given: "rolled-back", ends: refuses("v1", "v2") },
  "held started": { given: "held", ends: refuses("v1") },
  "verifying resumed": { given: "verifying", ends: runs("v2") },
  "reverifying resumed": { given: "reverifying", ends: refuses("v1", "v2") },

  // The operator goes back. A command that is killed before it has written anything has done nothing.
  "idle rollback-asked": {
    given: "idle",
    run: (host, point) => host.run(["rollback", "--to", host.path("v3")], point),
    ends: runs("v1"),
  },
  "waiting rollback-asked": {
    given: "waiting",
    run: rollback,
    ends: { before: runs("v2"), after: runs("v2", "v1") },
  },
  "active rollback-asked": {
    given: "active",
    run: rollback,
    ends: { before: runs("v1"), after: refuses("v0", "v1") },
  },
  "rolled-back rollback-asked": {
    given: "rolled-back",
    run: rollback,
    ends: { before: refuses("v1", "v2"), after: refuses("v0", "v1", "v2") },
  },
  "failed rollback-asked": {
    given: "failed-update",
    run: rollback,
    then: (host) => host.mend("activate", "v1"),
    ends: refuses("v1", "v2"),
  },
  "failed rollback-asked [elsewhere]": {
    given: "failed-update",
    run: (host, point) => host.run(["rollback", "--to", host.path("v0")], point),
    then: (host) => host.mend("activate", "v1"),
    ends: { before: refuses("v1", "v2"), after: refuses("v0", "v1", "v2") },
  },
  "held rollback-asked": {
    given: "held",
    run: rollback,
    ends: { before: refuses("v1"), after: refuses("v0", "v1") },
  },
  "verifying rollback-asked": {
    given: "verifying",
    run: rollback,
    ends: { before: runs("v2"), after: refuses("v1", "v2") },
  },

  // Somebody changes the profile.
  "idle changed-by-hand": {
    given: "idle",
    first: (host) => host.byHand("--set", host.path("v3")),
    ends: runs("v1"),
  },
  "waiting changed-by-hand": {
    given: "waiting",
    first: (host) => host.byHand("--set", host.path("v3")),
    ends: runs("v2", "v1"),
  },
  "active changed-by-hand": {
    given: "active",
    first: (host) => host.byHand("--rollback"),
    ends: refuses("v0", "v1"),
  },
  "rolled-back changed-by-hand": {
    given: "rolled-back",
    first: (host) => host.byHand("--switch-generation", "1"),
    ends: refuses("v0", "v1", "v2"),
  },
  "failed changed-by-hand": {
    given: "failed-update",
    // Between the retry of the start, which fails, and the poll.
    first: (host) => {
      host.onPoll = () => {
        host.onPoll = null;
        host.byHandNow(1);
      };
    },
    ends: refuses("v0", "v1", "v2"),
  },
  "held changed-by-hand": {
    given: "held",
    first: (host) => host.byHand("--set", host.path("v3")),
    ends: refuses("v3", "v1"),
  },
  "realising changed-by-hand": {
    given: "active",
    first: (host) => {
      host.announce("v2");
      host.once("realise", "v2", set(host, "v3"));
    },
    ends: runs("v2", "v1"),
  },
  "switching changed-by-hand": {
    given: "active",
    first: (host) => {
      host.announce("v2");
      host.once("set", "v2", set(host, "v3"), true);
    },
    ends: refuses("v3", "v2"),
  },
  // A hail that is killed before it has noticed cannot know that the switch was done and taken back.
  "switching changed-by-hand [back]": {
    given: "active",
    first: announce("v2", once("set", BACK, true)),
    ends: { before: runs("v2"), after: refuses("v1", "v2") },
  },
  "activating changed-by-hand": {
    given: "active",
    first: announce("v2", once("activate", BACK)),
    ends: refuses("v1", "v2"),
  },
  "verifying changed-by-hand": {
    given: "active",
    first: announce("v2", once("health-check", GENERATION_1)),
    ends: refuses("v0", "v2"),
  },
  "rolling-back changed-by-hand": {
    given: "active",
    first: (host) => {
      brokenUpdate(host);
      host.once("set", "v1", set(host, "v3"), true);
    },
    ends: refuses("v3", "v2"),
  },
  "reactivating changed-by-hand": {
    given: "activating",
    first: (host) => {
      host.fails("activate", "v2");
      host.once("activate", "v1", set(host, "v3"));
    },
    ends: refuses("v3", "v1", "v2"),
  },
  "reverifying changed-by-hand": {
    given: "activating",
    first: (host) => {
      host.fails("activate", "v2");
      host.once("health-check", "v1", GENERATION_1);
    },
    ends: refuses("v0", "v1", "v2"),
  },
  "undoing changed-by-hand": {
    given: "nothing",
    first: (host) => {
      host.fails("activate", "v1");
      host.once("deactivate", "v1", set(host, "v3"));
    },
    ends: refuses("v3", "v1"),
  },
};
