import assert from "node:assert/strict";
import { countTests } from "../../scripts/tally.ts";

function report(...cases: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="${cases.length}" failures="0" errors="0" time="0.015">
    <testsuite name="./a_test.ts" tests="${cases.length}" disabled="0" errors="0" failures="0">
${cases.join("\n")}
    </testsuite>
</testsuites>`;
}

function testCase(name: string, body = "", file = "./a_test.ts"): string {
  return `        <testcase name="${name}" classname="${file}" time="0.000" line="1" col="6">
${body}
        </testcase>`;
}

Deno.test("tally: passed, failed and cancelled tests are counted", () => {
  const xml = report(
    testCase("one"),
    testCase("two", '<failure message="x &lt;failure">Error</failure>'),
    testCase("three", '<error message="Cancelled"/>'),
    testCase("four"),
  );
  assert.deepEqual(countTests(xml), {
    passed: 2,
    failed: 2,
    faults: ["./a_test.ts: two\n  x <failure", "./a_test.ts: three\n  Cancelled"],
  });
});

Deno.test("tally: an ignored test counts as failed", () => {
  assert.deepEqual(countTests(report(testCase("one", "<skipped/>"))), {
    passed: 0,
    failed: 1,
    faults: ["./a_test.ts: one\n  it was left out or cut off"],
  });
});

Deno.test("tally: steps are not counted beside their test", () => {
  const xml = report(
    testCase("one"),
    testCase("one &gt; a"),
    testCase("one &gt; a &gt; b"),
    testCase("1 &gt; 2"),
  );
  assert.deepEqual(countTests(xml), { passed: 2, failed: 0, faults: [] });
});

Deno.test("tally: a step that fails is named, and counts with its test", () => {
  const xml = report(
    testCase("one", '<failure message="1 test step failed."/>'),
    testCase("one &gt; a", '<failure message="not &#39;b&#39;\nbut\x1b[31m c"/>'),
  );
  assert.deepEqual(countTests(xml), {
    passed: 0,
    failed: 1,
    faults: ["./a_test.ts: one\n  1 test step failed.", "./a_test.ts: one > a\n  not 'b'\n  but c"],
  });
});

Deno.test("tally: tests of the same name in two files are two tests", () => {
  const xml = report(
    testCase("one"),
    testCase("one", "", "./b_test.ts"),
    testCase("one &gt; a", "", "./c_test.ts"),
  );
  assert.deepEqual(countTests(xml), { passed: 3, failed: 0, faults: [] });
});

Deno.test("tally: a report that was never written holds no test", () => {
  assert.deepEqual(countTests(""), { passed: 0, failed: 0, faults: [] });
});
