/** What services say of each other, and whether it can be. Pure. */
import { closest } from "../text/closest.ts";
import { dotted, mayHint, type Problem } from "./problem.ts";
import { SERVICES, type Statement } from "./said.ts";

/** A service as far as it concerns others. */
export interface Neighbour {
  readonly name: string;
  /** Null where it is not known, because something is wrong with it. */
  readonly profile: { readonly path: string; readonly line: number } | null;
  readonly after: Statement | null;
  readonly renamedFrom: Statement | null;
}

/** So many names of a circle are shown. */
const SHOWN_MAX = 10;

/**
 * Says what is wrong between services: each profile has one, orders make no circle, and renames have one end each.
 *
 * @param problems Takes what is wrong.
 */
export function findContradictions(services: readonly Neighbour[], problems: Problem[]) {
  const names = new Set(services.map(({ name }) => name));
  for (const problem of sharedProfiles(services)) problems.push(problem);
  for (const service of services) findStrangers(service, names, problems);
  for (const problem of circles(services)) problems.push(problem);
  for (const problem of renames(services, names)) problems.push(problem);
}

function* sharedProfiles(services: readonly Neighbour[]): Generator<Problem> {
  const keepers = new Map<string, string>();
  for (const { name, profile } of services) {
    if (profile === null) continue;
    const other = keepers.get(profile.path);
    if (other === undefined) keepers.set(profile.path, name);
    else {
      yield {
        line: profile.line,
        key: dotted([SERVICES, name, "profile"]),
        why: `${profile.path} is the profile of ${dotted([SERVICES, other])} already`,
        next: "Give each service a profile of its own.",
      };
    }
  }
}

/** The names that `after` should not have: its own, and unknown ones. */
function findStrangers({ name, after }: Neighbour, names: ReadonlySet<string>, problems: Problem[]) {
  const key = dotted([SERVICES, name, "after"]);
  const line = after?.line ?? null;
  for (const other of new Set(after?.texts)) {
    if (other === name) {
      problems.push({ line, key, why: "the service would wait for itself", next: "Take its name out." });
    } else if (!names.has(other)) {
      const meant = mayHint(problems) ? closest(other, [...names]) : null;
      problems.push({
        line,
        key,
        why: `there is no service ${dotted([other])}`,
        next: meant === null ? "Name services of this file." : `Did you mean ${meant}?`,
      });
    }
  }
}

/** Services that wait for each other. Each step back into the path that is being walked is one circle. */
function circles(services: readonly Neighbour[]): Problem[] {
  const problems: Problem[] = [];
  const byName = new Map(services.map((service) => [service.name, service]));
  const done = new Set<string>();
  for (const { name } of services) walk(name);
  return problems;

  // With a list and not by calling itself: a file may hold a chain of ten thousand services.
  function walk(start: string) {
    if (done.has(start)) return;
    const path = new Map<string, Iterator<string>>([[start, waitedFor(start)]]);
    const order = [start];
    for (let name = order.at(-1); name !== undefined; name = order.at(-1)) {
      const step = path.get(name)?.next();
      if (step === undefined || step.done === true) {
        done.add(name);
        path.delete(name);
        order.pop();
      } else if (path.has(step.value)) {
        if (step.value !== name) problems.push(circle(order.slice(order.indexOf(step.value))));
      } else if (!done.has(step.value)) {
        path.set(step.value, waitedFor(step.value));
        order.push(step.value);
      }
    }
  }

  function waitedFor(name: string): Iterator<string> {
    return (byName.get(name)?.after?.texts ?? []).filter((other) => byName.has(other)).values();
  }

  function circle(names: readonly string[]): Problem {
    const [first = ""] = names;
    const { line } = byName.get(first)?.after ?? { line: null };
    const named = names.length <= SHOWN_MAX ? names : [...names.slice(0, SHOWN_MAX), "..."];
    return {
      line,
      key: dotted([SERVICES, first, "after"]),
      why: `services wait for each other: ${[...named, first].join(" -> ")}`,
      next: "Take one of these out of `after`.",
    };
  }
}

function* renames(services: readonly Neighbour[], names: ReadonlySet<string>): Generator<Problem> {
  const heirs = new Map<string, string>();
  for (const { name, renamedFrom } of services) {
    const [old] = renamedFrom?.texts ?? [];
    if (renamedFrom === null || old === undefined) continue;
    const { line } = renamedFrom;
    const key = dotted([SERVICES, name, "renamed-from"]);
    const other = heirs.get(old);
    if (names.has(old)) {
      yield {
        line,
        key,
        why: old === name ? "it is the service's own name" : `there still is a service ${dotted([old])}`,
        next: "Name one that is not in this file any more.",
      };
    } else if (other !== undefined) {
      yield {
        line,
        key,
        why: `${dotted([SERVICES, other])} was renamed from ${dotted([old])} already`,
        next: "Leave it with one of them.",
      };
    } else heirs.set(old, name);
  }
}
