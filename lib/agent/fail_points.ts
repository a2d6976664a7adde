import type { Environment } from "./environment.ts";

/**
 * Makes the function that ends this process with SIGKILL at one point of a deployment, for the tests that prove that hail
 * goes on from there. HAIL_FAIL_POINT names it: `STATE EVENT before` or `STATE EVENT after`, for just before and just
 * after the transition is written down. Undefined where the variable is not set.
 */
export function failPoints(env: Environment): ((point: string) => void) | undefined {
  const wanted = env.get("HAIL_FAIL_POINT");
  if (wanted === undefined || wanted === "") return undefined;
  // The programs that hail starts may be hails themselves.
  env.delete("HAIL_FAIL_POINT");
  return (point) => {
    if (point !== wanted) return;
    Deno.kill(Deno.pid, "SIGKILL");
    // The signal may come a moment later than the call returns.
    for (;;);
  };
}
