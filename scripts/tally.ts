/** How many tests passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** No tests at all. */
export const NOTHING: Tally = { passed: 0, failed: 0 };

/** Both together. */
export function plus(one: Tally, other: Tally): Tally {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}

/**
 * Counts the tests in a JUnit report of `deno test`.
 *
 * Steps are not counted beside the test that they are part of. An ignored test counts as failed: a suite that leaves
 * something out must not look as if it were whole.
 *
 * @param report The XML; empty if the run has broken off before it was written.
 */
export function countTests(report: string): Tally {
  const cases = [
    ...report.matchAll(/<testcase name="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs),
  ];
  const names = new Set(cases.map(([, name, file]) => `${file} ${name}`));
  let tally = NOTHING;
  for (const [, name = "", file = "", body = ""] of cases) {
    if (isStep(`${file} ${name}`, names)) continue;
    const passed = !/<(?:failure|error|skipped)\b/.test(body);
    tally = plus(tally, passed ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  }
  return tally;
}

/** A step is named `TEST > STEP`, which is a test's name, too, unless there is the test that it would be part of. */
function isStep(name: string, names: ReadonlySet<string>): boolean {
  for (let at = name.indexOf(" &gt; "); at >= 0; at = name.indexOf(" &gt; ", at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}
