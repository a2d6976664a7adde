import assert from "node:assert/strict";
import fc from "fast-check";
import { unitNames } from "./unit_name.ts";

Deno.test("unitNames names units after the profile and the run, and knows them again", () => {
  const names = unitNames("/nix/var/nix/profiles/hail-profiles/web");
  assert.match(names.unit("12-1", "activate"), /^activate-hail-web-[0-9a-f]{8}-12-1\.service$/);
  assert.match(names.unit("12-1", "deactivate"), /^activate-hail-web-[0-9a-f]{8}-12-1-deactivate\.service$/);
  assert.equal(names.idOf(names.unit("12-1", "activate")), "12-1");
  assert.equal(names.idOf(names.unit("12-1", "deactivate")), "12-1");
  assert.equal(names.idOf("hail-web.service"), null);
  assert.throws(() => names.unit("12-1.service", "activate"), RangeError);
});

Deno.test("unitNames tells profiles apart that differ in the folder only, or in what a name cannot have", () => {
  const named = ["/a/web", "/b/web", "/a/w\u00e9b", "/a/w_b", "/a/w b"].map((profile) =>
    unitNames(profile).unit("1-1", "activate")
  );
  assert.equal(new Set(named).size, named.length);
});

Deno.test("unitNames gives names that systemd takes, whatever the profile is, and that are no pattern", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
    const names = unitNames(`/${text}`);
    const unit = names.unit("123456-99", "deactivate");
    assert.match(unit, /^[A-Za-z0-9_.-]{1,255}$/);
    assert.match(names.pattern, /^[A-Za-z0-9_.-]+\*\.service$/);
    assert.equal(names.idOf(unit), "123456-99");
  }));
});
