import assert from "node:assert/strict";
import fc from "fast-check";
import type { Page } from "../context.ts";
import { layOut, layOutTable, wrap } from "./layout.ts";

const TERMINAL: Page = { columns: 80, terminal: true, colours: false };

Deno.test("layout: on a terminal no line is ever longer than the page, whatever the text", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 3_000 }),
      fc.integer({ min: 60, max: 120 }),
      (text, columns) => {
        const page = { ...TERMINAL, columns };
        for (const line of layOut([{ label: "Last error", paragraphs: [text] }], page)) {
          assert.ok(line.length <= columns);
          // deno-lint-ignore no-control-regex -- control characters are what is looked for
          assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f]/);
        }
        for (
          const line of layOutTable([{ heading: "A" }, { heading: "B" }], [[text, text]], ["plain"], page)
        ) {
          assert.ok(line.length <= columns);
        }
      },
    ),
  );
});

Deno.test("layout: words are not lost and not torn", () => {
  const text = "one two three four five six seven eight nine ten ".repeat(9).trim();
  assert.equal(wrap(text, 12, TERMINAL).join(" "), text);
});

Deno.test("layout: a long word is torn on a terminal only", () => {
  const word = "x".repeat(200);
  assert.deepEqual(wrap(word, 10, TERMINAL).map(({ length }) => length), [70, 70, 60]);
  assert.deepEqual(wrap(word, 10, { ...TERMINAL, terminal: false }), [word]);
});

Deno.test("layout: numbers stand on the right, and the last column ends where it ends", () => {
  assert.deepEqual(
    layOutTable(
      [{ heading: "ID", align: "right" }, { heading: "NAME" }, { heading: "LAST" }],
      [
        ["9", "web", "a"],
        ["10", "api-2", ""],
      ],
      ["plain", "plain"],
      TERMINAL,
    ),
    ["ID  NAME   LAST", " 9  web    a", "10  api-2"],
  );
});
