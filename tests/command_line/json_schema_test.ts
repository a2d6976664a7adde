import assert from "node:assert/strict";
import { findMistakes, readSchema } from "./json_schema.ts";

Deno.test("the schema check finds what is wrong", async () => {
  const schema = await readSchema("history");
  const deployment = {
    id: 1,
    kind: "update",
    outcome: null,
    target: { path: "/nix/store/x", build_id: 1, name: null },
    go_back_to: null,
    begun_at: "2026-11-22T16:40:03.000Z",
    ended_at: null,
    fault: null,
    rollback_fault: null,
    degraded: false,
    activations: 0,
  };
  const document = (one: unknown) => ({ version: 1, service: "web", profile: "/p/web", deployments: [one] });
  assert.deepEqual(findMistakes(document(deployment), schema), []);
  for (
    const [wrong, says] of [
      [{ ...deployment, id: 0 }, /deployments\[0\]\.id/],
      [{ ...deployment, id: "1" }, /type integer/],
      [{ ...deployment, kind: "other" }, /not allowed/],
      [{ ...deployment, begun_at: "yesterday" }, /begun_at: yesterday/],
      [{ ...deployment, target: { path: "x", build_id: null, name: null } }, /target\.path/],
      [{ ...deployment, go_back_to: {} }, /path is missing/],
      [{ ...deployment, more: 1 }, /more is not documented/],
      [null, /type object/],
    ] as const
  ) assert.match(findMistakes(document(wrong), schema).join("\n"), says);
  assert.match(findMistakes({ version: 2 }, schema).join("\n"), /\$\.version: it is not 1/);
});
