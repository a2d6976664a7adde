/** The kinds of gates. */
import { sanitise } from "../report/sanitise.ts";
import { blackout } from "./blackout.ts";
import { delay } from "./delay.ts";
import { exec } from "./exec.ts";
import type { Gate, Kind, Named, World } from "./gate.ts";
import { inhibit } from "./inhibit.ts";
import { jobset } from "./jobset.ts";
import { window } from "./window.ts";

/**
 * Every kind, by the word that it is written with, in the order in which gates are asked: what costs least comes first. A
 * new kind is one line here, and a file of its own.
 */
export const KINDS = {
  inhibit,
  blackout,
  window,
  delay,
  jobset,
  exec,
};

/** The word for a kind of gate. */
export type KindName = keyof typeof KINDS;

type Targets = { readonly [K in KindName]: (typeof KINDS)[K] extends Kind<infer Target> ? Target : never };

/** A gate as the settings have it: a union of all kinds, told apart by `kind`. Plain data, fit for JSON. */
export type GateSpec<K extends KindName = KindName> = {
  [Name in K]: Named & { readonly kind: Name } & Targets[Name];
}[K];

const NAME_LIMIT = 100;

const BY_NAME: { readonly [K in KindName]: Kind<Targets[K]> } = KINDS;

/** Reads what is special to a kind, and finds a name. See {@linkcode Kind.read}. */
export function readTarget<K extends KindName>(
  kind: K,
  target: string,
  values: Readonly<Record<string, string | undefined>>,
): GateSpec<K> {
  const special = BY_NAME[kind].read(target, values);
  const which = BY_NAME[kind].nameOf?.(special) ?? target;
  return { kind, name: sanitise(`${kind} ${which}`, NAME_LIMIT), ...special };
}

/** Makes a gate ready for a service. */
export function openGate<K extends KindName>(gate: GateSpec<K>, world: World): Gate {
  return BY_NAME[gate.kind].open(gate, world);
}
