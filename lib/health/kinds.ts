/** The kinds of health checks. */
import { sanitise } from "../report/sanitise.ts";
import { exec } from "./exec.ts";
import { http } from "./http.ts";
import type { Bounds, Kind, Probe, World } from "./kind.ts";
import { tcp } from "./tcp.ts";
import { unit } from "./unit.ts";

/** Every kind, by the word that it is written with. A new kind is one line here, and a file of its own. */
export const KINDS = {
  http,
  tcp,
  exec,
  unit,
};

/** The word for a kind of health check. */
export type KindName = keyof typeof KINDS;

type Targets = { readonly [K in KindName]: (typeof KINDS)[K] extends Kind<infer Target> ? Target : never };

/** A health check: a union of all kinds, told apart by `kind`. Plain data, fit for JSON. */
export type HealthCheck<K extends KindName = KindName> = {
  [Name in K]: Bounds & { readonly kind: Name } & Targets[Name];
}[K];

/** The longest name of a check, in characters. */
export const NAME_LIMIT = 100;

const BY_NAME: { readonly [K in KindName]: Kind<Targets[K]> } = KINDS;

/** Reads what is special to a kind. See {@linkcode Kind.read}. */
export function readTarget<K extends KindName>(
  kind: K,
  target: string,
  values: Readonly<Record<string, string | undefined>>,
  bounds: Omit<Bounds, "name"> & { readonly name: string | undefined },
): HealthCheck<K> {
  const special = BY_NAME[kind].read(target, values);
  return {
    ...bounds,
    name: bounds.name ?? sanitise(BY_NAME[kind].nameOf(special), NAME_LIMIT),
    kind,
    ...special,
  };
}

/** Makes a check ready for one verification. */
export function openProbe<K extends KindName>(check: HealthCheck<K>, world: World): Probe {
  return BY_NAME[check.kind].open(check, world);
}
