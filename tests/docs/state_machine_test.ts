import assert from "node:assert/strict";
import { PAGE, statePage } from "../../scripts/state_diagram.ts";

Deno.test("docs/state_machine.md is what the table says", async () => {
  const page = await Deno.readTextFile(PAGE);
  assert.equal(page, statePage(), "run: deno run -A scripts/state_diagram.ts");
});
