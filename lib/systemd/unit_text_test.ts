import assert from "node:assert/strict";
import fc from "fast-check";
import { isAdoptable } from "./unit_text.ts";

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
