import assert from "node:assert/strict";
import fc from "fast-check";
import { buildOf, differInSection, isAdoptable, keptServices, namespaceOf } from "./unit_text.ts";

const HAIL = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-hail-0.2/bin/hail";
const URI = "https://hydra.example.org/job/shop/main/web";

const unit = (command: string) =>
  `[Unit]\nDescription=hail\n\n[Service]\nExecStart=${command}\nRestart=always\n`;

Deno.test("unit text: a unit that runs hail for the profile of its name may be adopted", () => {
  for (
    const command of [
      `${HAIL} --profile hail-profiles/web --job-uri ${URI}`,
      `${HAIL} --job-uri=${URI} --profile=hail-profiles/web`,
      `"${HAIL}" "--profile" 'hail-profiles/web'  --job-uri "${URI}" --poll-period 5 --netrc-file "/etc/a b"`,
      `/opt/hail --profile hail-profiles/web --job-uri ${URI}  `,
      `/hail --profile hail-profiles/web --job-uri ${URI}`,
    ]
  ) {
    assert.ok(isAdoptable(unit(command), "web"), command);
    assert.ok(isAdoptable(unit(command).replace("ExecStart=", "  ExecStart = "), "web"), command);
    assert.ok(!isAdoptable(unit(command), "we"), command);
  }
});

Deno.test("unit text: a unit that does anything else is not adopted", () => {
  const good = `${HAIL} --profile hail-profiles/web --job-uri ${URI}`;
  const cases = [
    "",
    "[Service]\n",
    ...[
      "",
      "/bin/true",
      "hail --profile hail-profiles/web --job-uri " + URI,
      `/usr/bin/env ${good}`,
      `-${good}`,
      `@${good}`,
      good.replace("/bin/hail", "/bin/hailstorm"),
      good.replace("/bin/hail", "/bin/snowhail"),
      good.replace("profiles/web", "profiles/db"),
      good.replace("profiles/web", "profiles/web2"),
      good.replace("hail-profiles/web", "web"),
      good.replace("hail-profiles/web", "/nix/var/nix/profiles/hail-profiles/web"),
      good.replace("hail-profiles/web", "../hail-profiles/web"),
      good.replace("--profile", "--profiles"),
      good.replace(URI, ""),
      good.replace(URI, "$URI"),
      good.replace("--job-uri", "--uri"),
      `${good} --profile hail-profiles/web`,
      `${good} --profile=hail-profiles/db`,
      `${good} --job-uri ${URI}`,
      `${good} $MORE`,
      `${good} ; /bin/true`,
      `${good} "open`,
      `${good} a\\x20b`,
      `${good} \\`,
    ].map(unit),
    unit(good) + "ExecStart=/bin/true\n",
    unit(good).replace("[Service]", "[Service]\nExecStart="),
    unit(good).replace("[Service]", "[Install]"),
    unit(good).replace("Description=hail", "Description=hail\\"),
    unit(good) + "[X-Hail]\n",
    unit(good) + "[X-Hail]\nNamespace=another\n",
    "  [X-Hail]  \nNamespace=another\n" + unit(good),
  ];
  for (const text of cases) assert.ok(!isAdoptable(text, "web"), text);
});

Deno.test("unit text: no text of a file makes the look at it fail", () => {
  const pieces = fc.constantFrom(
    ..."[]=\"'\\\n $;",
    "ExecStart=",
    "[Service]",
    HAIL,
    "--profile",
    "hail-profiles/web",
  );
  fc.assert(fc.property(fc.array(pieces), (parts) => {
    assert.equal(isAdoptable(parts.join(""), "web"), false);
  }));
});

const agentUnit = (section: string, program = HAIL) =>
  `[Service]\nExecStart=${program}\n\n[X-Hail]\nNamespace=fleet\n${section}`;

Deno.test("unit text: the services that a unit keeps are told by its own section, one name a line", () => {
  const text = agentUnit("Keeps=web\nKeeps=db.1\nKeeps=web\nKeeps=../x\nKeeps=\nKeeps=a b\n keeps=c\n");
  assert.deepEqual([...keptServices(text)], ["web", "db.1"]);
  assert.equal(namespaceOf(text), "fleet");
  assert.deepEqual([...keptServices("[Service]\nKeeps=web\n[X-Hail]\n[X-Other]\nKeeps=web\n")], []);
});

Deno.test("unit text: the build that a unit runs by is a plain absolute path, or none", () => {
  const build = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-hail-systemd-bootstrap";
  assert.equal(buildOf(agentUnit(`Keeps=web\nBuild=${build}\n`)), build);
  assert.equal(buildOf(`[Service]\nBuild=${build}\n`), null);
  for (const path of ["", "build", "/a/../b", "/a b", "/a/", "-x", `/${"x".repeat(2000)}`]) {
    assert.equal(buildOf(agentUnit(`Build=${path}\n`)), null, path);
  }
});

Deno.test("unit text: two units differ in hail's section alone if all that systemd reads is the same", () => {
  const one = agentUnit("Configuration=1\nKeeps=web\n");
  for (const other of ["Configuration=2\nKeeps=web\n", "Configuration=1\n", "", "\n"]) {
    assert.ok(differInSection(one, agentUnit(other)), other);
  }
  assert.ok(!differInSection(one, one));
  assert.ok(!differInSection(one, agentUnit("Configuration=2\nKeeps=web\n", "/other")));
  assert.ok(!differInSection(one, agentUnit("Configuration=2\n[Service]\nRestart=no\n")));
  assert.ok(!differInSection(one, one.replace("[X-Hail]", "[X-Snow]")));
});
