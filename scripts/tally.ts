/** How many tests passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** The tests and steps that failed, each with the beginning of the reason. */
  readonly faults: readonly string[];
}

/** No tests at all. */
export const NOTHING: Tally = { passed: 0, failed: 0, faults: [] };

/** One thing that failed. */
export function fault(text: string): Tally {
  return { passed: 0, failed: 1, faults: [text] };
}

/** Both together. */
export function plus(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    faults: [...one.faults, ...other.faults],
  };
}

/** How much of a reason is told again, in characters: all of it is in the output of the tests. */
const REASON_LENGTH = 1_000;

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
  let [passed, failed] = [0, 0];
  const faults: string[] = [];
  for (const [, name = "", file = "", body = ""] of cases) {
    const failure = /<(?:failure|error|skipped)\b(?: message="([^"]*)")?/.exec(body);
    if (failure !== null) {
      const reason = plain(failure[1] ?? "it was left out or cut off").slice(0, REASON_LENGTH).trimEnd();
      faults.push(`${plain(file)}: ${plain(name)}\n${reason.replaceAll(/^/gm, "  ")}`);
    }
    if (isStep(`${file} ${name}`, names)) continue;
    if (failure === null) passed++;
    else failed++;
  }
  return { passed, failed, faults };
}

/** A step is named `TEST > STEP`, which is a test's name, too, unless there is the test that it would be part of. */
function isStep(name: string, names: ReadonlySet<string>): boolean {
  for (let at = name.indexOf(" &gt; "); at >= 0; at = name.indexOf(" &gt; ", at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** Text as it was before it was written as XML, without the colours of a terminal. */
function plain(text: string): string {
  return text.replaceAll(
    /&(?:#(x?)([0-9A-Fa-f]+)|(\w+));/g,
    (whole, hex, code, name) =>
      code === undefined
        ? ENTITIES[name] ?? whole
        : String.fromCodePoint(Math.min(parseInt(code, hex === "" ? 10 : 16), 0x10ffff)),
  )
    // deno-lint-ignore no-control-regex
    .replaceAll(/(?:\x1b|\u241b)\[[0-9;]*m/g, "");
}
