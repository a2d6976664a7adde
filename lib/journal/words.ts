/** What the columns hold, as schemas: whatever is read was perhaps changed by somebody or something else. */
import * as v from "valibot";
import {
  type BadBuild,
  type Deployment,
  type Fault,
  type How,
  OUTCOMES,
  type ServiceRecord,
  STEPS,
  type Transition,
  type Version,
} from "../deployment/record.ts";
import { type EventName, KINDS, type State, STATES, TABLE } from "../deployment/machine.ts";
import type { Build } from "../deployment/build.ts";
import { FAILURE_EXIT_STATUS, type FailureCode } from "../failure/failure.ts";
import { parseStorePath, type StorePath } from "../nix/store_path.ts";

const HOWS = ["deployed", "rolled-back", "by-hand", "found"] as const satisfies readonly How[];

const whole = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(whole, v.minValue(0));
/** What a `Date` can hold. */
const time = v.pipe(count, v.maxValue(8.64e15));
const flag = v.pipe(v.picklist([0, 1]), v.transform((bit) => bit === 1));
const text = v.string();
const state = v.picklist(Object.keys(STATES) as State[]);
const failureCode = v.picklist(Object.keys(FAILURE_EXIT_STATUS) as FailureCode[]);

const fault: v.GenericSchema<unknown, Fault> = v.object({
  step: v.picklist(STEPS),
  code: failureCode,
  message: text,
  next: text,
  at: time,
});

/** One line of the journal, with its number. */
export interface StoredTransition extends Transition {
  /** Counts up from 1 without a gap. */
  readonly seq: number;
}

/** What identifies the writing of a database. */
export interface Stamp {
  /** Names the run of hail that wrote it last. */
  readonly writer: string;
  /** Counts the commits. */
  readonly revision: number;
}

/** What a row says that its database belongs to. */
export interface Owner {
  readonly profile: string;
  readonly jobUri: string;
  readonly settings: string;
  readonly writtenAt: number;
}

/** The parts of the record that are in the row of the service; the others have tables of their own. */
export type ServiceFacts = Omit<ServiceRecord, "work" | "bad"> & Owner & Stamp & {
  readonly workId: number | null;
};

/** The schemas of everything that is read, once its columns are put together. */
export interface Words {
  readonly service: v.GenericSchema<unknown, ServiceFacts>;
  readonly deployment: v.GenericSchema<unknown, Deployment>;
  /** Only the words of a deployment. */
  readonly labels: v.GenericSchema<unknown, unknown>;
  /** Only a path, if there is one. */
  readonly path: v.GenericSchema<unknown, unknown>;
  readonly bad: v.GenericSchema<unknown, BadBuild>;
  readonly transition: v.GenericSchema<unknown, StoredTransition>;
}

/** The schemas that were made, by the store folder: they take 20 kB, and a process may have a thousand journals. */
const made = new Map<string, Words>();

/** @param storeFolder The store folder that all paths must lie in. */
export function wordsOf(storeFolder: string): Words {
  const words = made.get(storeFolder) ?? makeWords(storeFolder);
  made.set(storeFolder, words);
  return words;
}

function makeWords(storeFolder: string): Words {
  const path = v.custom<StorePath>(
    (input) => typeof input === "string" && parseStorePath(input, storeFolder) !== null,
    (issue) => `${issue.received} is no store path`,
  );
  const versionEntries = { path, buildId: v.nullable(count), name: v.nullable(text) };
  const version: v.GenericSchema<unknown, Version> = v.object(versionEntries);
  const build: v.GenericSchema<unknown, Build> = v.object({
    id: count,
    outPath: path,
    name: text,
    finishedAt: v.nullable(time),
  });
  return {
    service: v.object({
      profile: text,
      jobUri: text,
      settings: text,
      writer: text,
      revision: count,
      writtenAt: time,
      state,
      since: time,
      workId: v.nullable(count),
      deployments: count,
      active: v.nullable(v.object({ ...versionEntries, since: time, how: v.picklist(HOWS), degraded: flag })),
      previous: v.nullable(version),
      seen: v.union([v.undefined(), v.null(), path]),
      latest: v.nullable(build),
      latestSince: v.nullable(time),
      closed: v.nullable(v.object({ gate: text, why: text, askAgainAt: v.nullable(time) })),
      pause: v.nullable(v.object({ reason: v.nullable(text), since: time, until: v.nullable(time) })),
      heldSince: v.nullable(time),
      polledAt: v.nullable(time),
      nextPollAt: v.nullable(time),
      failures: count,
      lastFailure: v.nullable(v.object({ at: time, code: failureCode, message: text, next: text })),
    }),
    deployment: v.object({
      id: count,
      kind: v.picklist(KINDS),
      target: version,
      goBackTo: v.nullable(version),
      begunAt: time,
      endedAt: v.nullable(time),
      outcome: v.nullable(v.picklist(OUTCOMES)),
      fault: v.nullable(fault),
      rollbackFault: v.nullable(fault),
      degraded: flag,
      hydraAnswered: flag,
      runs: count,
      begun: count,
      leader: v.nullable(v.object({ pid: count, bootId: text })),
    }),
    labels: v.object({
      kind: v.picklist(KINDS),
      outcome: v.nullable(v.picklist(OUTCOMES)),
      faultStep: v.nullable(v.picklist(STEPS)),
      faultCode: v.nullable(failureCode),
      rollbackFaultStep: v.nullable(v.picklist(STEPS)),
      rollbackFaultCode: v.nullable(failureCode),
    }),
    path: v.object({ path: v.nullable(path) }),
    bad: v.object({
      path,
      buildId: v.nullable(count),
      step: v.picklist([...STEPS, "operator", "by-hand"]),
      reason: text,
      at: time,
    }),
    transition: v.object({
      seq: count,
      deploymentId: v.nullable(count),
      at: time,
      from: state,
      event: v.picklist([...new Set(TABLE.map(({ event }): EventName => event))]),
      to: state,
    }),
  };
}
