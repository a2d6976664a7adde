import { existsSync } from "node:fs";
import type { ActivatorOptions, TidyActivator } from "./activator.ts";
import { createProcessActivator } from "./process.ts";
import { createUnitActivator } from "./transient_unit.ts";

export type { ActivatorOptions, TidyActivator };

/**
 * Makes an activator: one whose activations outlive hail where systemd runs them, and one with children of hail's
 * elsewhere.
 *
 * @param options `systemd`: whether systemd manages this host, and hail may start units there, as root.
 */
export function createActivator(options: ActivatorOptions & { readonly systemd: boolean }): TidyActivator {
  if (!options.systemd) return createProcessActivator(options);
  const path = options.environment["PATH"] ?? "";
  if (isOnPath("systemd-run", path) && isOnPath("systemctl", path)) return createUnitActivator(options);
  options.report({
    name: "activation-child",
    level: "warning",
    message:
      "systemd-run and systemctl are not on PATH: an activation is a child of hail, and may end with it",
  });
  return createProcessActivator(options);
}

function isOnPath(program: string, path: string): boolean {
  return path.split(":").some((folder) => folder.startsWith("/") && existsSync(`${folder}/${program}`));
}
