/** What is in force of a configuration, and where that comes from. Pure. */
import type { ServiceSettings } from "../settings/service.ts";
import type { Setting } from "../settings/setting.ts";
import type { Sources } from "./read.ts";
import { SERVICE, type Statement, TOP } from "./said.ts";

/** A setting in force. */
export interface Effective {
  readonly key: string;
  /** The texts of what is in force; null where no text can say it. */
  readonly texts: readonly string[] | null;
  /** What is in force where there is no text: for people. */
  readonly shown: string;
  readonly form: Setting<unknown>["form"];
  /** The service's own table, the top of the file for all services, or nobody has said it. */
  readonly from: "service" | "top" | "default";
  /** Where the key stands in the file; null for a default. */
  readonly line: number | null;
}

/** The settings of the agent as a whole. */
export function agentSettings({ top }: Sources): readonly Effective[] {
  return [...TOP.settings]
    .filter(([, { places }]) => places.includes("agent"))
    .map(([key, setting]) => effective(key, setting, null, top.get(key) ?? null));
}

/** The settings of a service. */
export function serviceSettings({ top, services }: Sources, service: ServiceSettings): readonly Effective[] {
  const own = services.get(service.name);
  return [...SERVICE.settings].map(([key, setting]) => {
    const found = effective(key, setting, own?.get(key) ?? null, top.get(key) ?? null);
    // Nobody needs to say it, and then it follows from the name.
    return key === "profile" ? { ...found, texts: [service.profile] } : found;
  });
}

function effective(
  key: string,
  { form, initial }: Setting<unknown>,
  own: Statement | null,
  top: Statement | null,
): Effective {
  const said = own ?? top;
  const shown = initial?.shown ?? "";
  if (said === null) return { key, form, shown, texts: initial?.texts ?? null, from: "default", line: null };
  return { key, form, shown, texts: said.texts, from: own === null ? "top" : "service", line: said.line };
}
