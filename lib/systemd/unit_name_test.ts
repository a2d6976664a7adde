import assert from "node:assert/strict";
import { NAMES, NO_NAMES } from "../../tests/support/service_names.ts";
import { Failure } from "../failure/failure.ts";
import {
  AGENT,
  AGENT_BUILD,
  isName,
  NAME_LIMIT,
  NAME_PATTERN,
  requireFolder,
  requireName,
  serviceOf,
  targetUnit,
  unitFile,
} from "./unit_name.ts";

Deno.test("unit name: letters, digits, underscore, dot and hyphen make a name", () => {
  for (const name of NAMES) {
    assert.equal(isName(name), true, name);
    assert.equal(serviceOf(unitFile(name)), name);
  }
});

Deno.test("unit name: what systemd, a path or a command line could misread is no name", () => {
  for (const name of NO_NAMES) {
    assert.equal(isName(name), false, name);
    assert.equal(serviceOf(unitFile(name)), null, name);
  }
});

Deno.test("unit name: the longest name still gives a legal unit name and pending mark", () => {
  assert.ok(`.${unitFile("x".repeat(NAME_LIMIT))}.pending`.length <= 255);
});

Deno.test("unit name: the unit of the agent is no service's", () => {
  assert.equal(unitFile(AGENT), "hail.service");
  assert.equal(serviceOf("hail.service"), AGENT);
  assert.ok(!isName(AGENT));
  for (const name of NAMES) assert.notEqual(unitFile(name), unitFile(AGENT));
});

Deno.test("unit name: the Nix expression has the same rule", async () => {
  const nix = await Deno.readTextFile(new URL("../../hail-systemd-bootstrap.nix", import.meta.url));
  assert.equal(/^\s*namePattern = "(.*)";$/m.exec(nix)?.[1], NAME_PATTERN);
  assert.equal(/^\s*nameLimit = (\d+);$/m.exec(nix)?.[1], String(NAME_LIMIT));
  assert.equal(/^\s*agentBuild = "(.*)";$/m.exec(nix)?.[1], AGENT_BUILD);
});

Deno.test("unit name: a wrong name is wrong use, and the message shows it quoted", () => {
  assert.throws(() => requireName("namespace", "a\nb"), (error) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.code, "usage");
    assert.match(error.message, /^namespace "a\\nb": is not a name/);
    return true;
  });
});

Deno.test("unit name: a target is named with or without its suffix", () => {
  assert.equal(targetUnit("multi-user"), "multi-user.target");
  assert.equal(targetUnit("multi-user.target"), "multi-user.target");
  assert.throws(() => targetUnit("../x"), Failure);
  assert.throws(() => targetUnit(".target"), Failure);
});

Deno.test("unit name: the unit folder is an absolute path in its shortest form", () => {
  assert.equal(requireFolder("unit folder", "/etc/systemd/system"), "/etc/systemd/system");
  for (const path of ["", "/", "etc", "/etc/../x", "/etc/./x", "/etc//x", "/etc/", "/e tc", "/e%", "/e\n"]) {
    assert.throws(() => requireFolder("unit folder", path), Failure, path);
  }
});
