import { Failure } from "../failure/failure.ts";

/** Reads variables of the environment. */
export interface Environment {
  get(name: string): string | undefined;
}

/**
 * A folder of Nix's that a variable may name: what it says where it is set and not empty, as Nix itself reads it,
 * otherwise the usual folder. Slashes that mean nothing are taken out.
 *
 * @throws {Failure} `usage` if it is not an absolute path below `/`, has a `.` or `..` part, or control characters.
 */
export function nixFolder(env: Environment, variable: string, usual: string): string {
  const text = env.get(variable);
  if (text === undefined || text === "") return usual;
  const parts = text.split("/").filter((part) => part !== "");
  const usable = text.startsWith("/") && parts.length > 0 && !/[\0-\x1f\x7f]/.test(text) &&
    !parts.some((part) => part === "." || part === "..");
  if (!usable) {
    throw new Failure("usage", {
      what: variable,
      why: "it is not the absolute path of a folder",
      next: `Set it to such a path, e.g. ${usual}, or leave it unset.`,
    });
  }
  return `/${parts.join("/")}`;
}
