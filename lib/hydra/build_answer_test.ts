import assert from "node:assert/strict";
import fc from "fast-check";
import { parseStorePath } from "../nix/store_path.ts";
import { readBuild } from "./build_answer.ts";

const GOOD = {
  id: 111,
  finished: 1,
  buildstatus: 0,
  nixname: "web-4.0",
  stoptime: 1795003120,
  buildoutputs: { out: { path: "/nix/store/b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-web-4.0" } },
};

function read(json: unknown) {
  return readBuild(new TextEncoder().encode(JSON.stringify(json)), 111, "/nix/store");
}

Deno.test("readBuild() reads what it needs and tolerates everything else", () => {
  const build = { id: 111, outPath: GOOD.buildoutputs.out.path, name: "web-4.0", finishedAt: 1795003120 };
  assert.deepEqual(read(GOOD), build);
  assert.deepEqual(read({ ...GOOD, future: { field: [1] }, buildproducts: null, jobsetevals: "?" }), build);
});

Deno.test("readBuild() does without what only decorates the log", () => {
  for (const [nixname, stoptime] of [[undefined, undefined], [null, null], [5, "5"], ["", -1], [{}, 1.5]]) {
    const build = read({ ...GOOD, nixname, stoptime });
    assert.ok("outPath" in build);
    assert.equal(build.name, "web-4.0");
    assert.equal(build.finishedAt, null);
  }
});

Deno.test("readBuild() says unfinished before it looks at the status, and the status before the output", () => {
  const why = (changes: Record<string, unknown>) => {
    const result = read({ ...GOOD, ...changes });
    assert.ok("why" in result);
    return result.why;
  };
  assert.match(why({ finished: 0, buildstatus: 1, buildoutputs: {} }), /not finished/);
  assert.match(why({ buildstatus: 12, buildoutputs: {} }), /is not deterministic \(build status 12\)/);
  assert.match(why({ buildoutputs: null }), /no output 'out', nor any other/);
});

Deno.test("readBuild() gives a build only if Hydra said each thing that it stands for", () => {
  const scalar = fc.oneof(
    fc.constantFrom(0, 1, 111, null, true, "1", GOOD.buildoutputs.out.path, "--option", "/nix/store/../etc"),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const outputs = fc.oneof(
    fc.constant(GOOD.buildoutputs),
    fc.record({ out: fc.record({ path: scalar }) }),
    scalar,
  );
  const json = fc.record({
    id: fc.oneof(fc.constant(111), scalar),
    finished: fc.oneof(fc.constant(1), scalar),
    buildstatus: fc.oneof(fc.constant(0), scalar),
    nixname: scalar,
    stoptime: scalar,
    buildoutputs: outputs,
  }, { requiredKeys: [] });
  fc.assert(fc.property(json, (value) => {
    const result = read(value);
    if ("why" in result) return assert.ok(result.next.length > 0);
    // As it was sent: fast-check also makes objects without a prototype.
    const said = JSON.parse(JSON.stringify(value));
    assert.deepEqual([said.id, said.finished, said.buildstatus], [111, 1, 0]);
    assert.equal(parseStorePath(result.outPath), result.outPath);
    assert.deepEqual(said.buildoutputs, { out: { path: result.outPath } });
  }));
});
