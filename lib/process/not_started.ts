/** Why a program could not be started, in one clause. @param error What `RunCommand` threw. */
export function whyNotStarted(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such program, or no such interpreter";
  if (error instanceof Deno.errors.PermissionDenied) return "it may not be executed";
  return `it cannot be executed (${error instanceof Error ? error.name : "unknown error"})`;
}
