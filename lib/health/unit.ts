/** Health checks that a unit of systemd runs. */
import { showUnit, UnitStateUnknown } from "../systemd/unit_state.ts";
import { Mistake } from "../text/mistake.ts";
import type { Kind } from "./kind.ts";

/** A unit. */
export interface UnitTarget {
  /** Its full name, with its suffix. */
  readonly unit: string;
}

// systemd.unit(5): the characters, the length and the types of units.
const UNIT_NAME = /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,254}$/;
const TYPES = "service|socket|device|mount|automount|swap|target|path|timer|slice|scope";
const TYPE = new RegExp(`\\.(?:${TYPES})$`);

/** A unit that is reloading is active as well. */
const ACTIVE = ["active", "reloading", "refreshing"];

const PROPERTIES = ["LoadState", "ActiveState", "SubState", "Result", "NRestarts"] as const;

/**
 * `unit NAME`: passes if systemd says that the unit is active, and that it has not restarted by itself since the look
 * before. A restart between two looks is seen by the count that systemd keeps, NRestarts.
 */
export const unit: Kind<UnitTarget> = {
  synopsis: "unit NAME",
  keys: [],
  read(text) {
    if (!UNIT_NAME.test(text) || text.length > 255) {
      throw new Mistake("it is not the name of a unit", "Write it like web.service.");
    }
    if (!TYPE.test(text)) {
      throw new Mistake("the name has no type of unit at its end", `Did you mean ${text}.service?`);
    }
    return { unit: text };
  },
  nameOf: ({ unit }) => `unit ${unit}`,
  open({ unit }, { run }) {
    let restartsBefore: number | null = null;
    return {
      async look(signal) {
        let shown;
        try {
          shown = await showUnit(run, unit, PROPERTIES, signal);
        } catch (error) {
          if (error instanceof UnitStateUnknown) return error.message;
          throw error;
        }
        const restarts = Number(shown["NRestarts"] ?? 0);
        const before = restartsBefore ?? restarts;
        restartsBefore = restarts;
        return whyNot(shown) ??
          (restarts > before ? `it restarted by itself (NRestarts is now ${restarts})` : null);
      },
    };
  },
};

function whyNot(shown: Readonly<Record<string, string>>): string | null {
  const { LoadState: load, ActiveState: active = "", SubState: sub = "", Result: result } = shown;
  if (load === "not-found") return "there is no such unit";
  if (sub === "auto-restart") return `it has ended and waits to be restarted (${result ?? "unknown"})`;
  if (ACTIVE.includes(active)) return null;
  if (active === "") return "systemd does not say whether it is active";
  return `it is ${active} (${active === "failed" ? result ?? sub : sub})`;
}
