/**
 * Writes docs/configuration.md and docs/schema/config.json out of the table in lib/settings/table.ts:
 * `deno run -A scripts/configuration_docs.ts`. A test fails where they differ.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { configSchema } from "../lib/config/schema.ts";
import { type Group, GROUPS, type Place, type Setting } from "../lib/settings/setting.ts";
import { AGENT_SETTINGS, keysOf, SERVICE_SETTINGS } from "../lib/settings/table.ts";

/** The page and the schema, by their paths. */
export const PAGE = fileURLToPath(new URL("../docs/configuration.md", import.meta.url));
export const SCHEMA = fileURLToPath(new URL("../docs/schema/config.json", import.meta.url));

/** The example of the page. */
export const EXAMPLE = `poll-period = "1m"
netrc-file = "/etc/hail/netrc"

[services.db]
job-uri = "https://hydra.example/job/shop/main/db"

[services.web]
job-uri = "https://hydra.example/job/shop/main/web"
health-check = "http http://localhost:8080/ready"
after = ["db"]
`;

const INTRODUCTION = `# The configuration of hail agent

Made by \`deno run -A scripts/configuration_docs.ts\` out of the table in \`lib/settings/table.ts\`; a test keeps the two
the same.

\`hail agent --config FILE\` keeps many services in one process. The file, \`/etc/hail/config.toml\` unless it is named, is
[TOML](https://toml.io/en/v1.0.0) or JSON: JSON, if its name ends in \`.json\`, or it ends in neither and the first
character is a \`{\`.

\`\`\`toml
${EXAMPLE}\`\`\`

What stands at the top holds for all services; what stands below \`[services.NAME]\` holds for that one, in place of what
the top says. The keys are the long options of the classic command line, \`hail --profile PROFILE --job-uri URI\`, which is
the same with one service.

- **Values** are written as on the command line. What is a number there may be one here: \`poll-period = 5\` is five
  minutes. An option without a value is \`true\` or \`false\`. An option that may be repeated is a list of texts, or one
  text; a list of a service stands in place of the list at the top, and \`[]\` empties it.
- **Names** of services begin with a letter or a digit; letters, digits, \`.\`, \`_\` and \`-\` follow, 100 at the most.
  The name is also that of the profile, below Nix's profiles folder, unless \`profile\` says otherwise.
- **Paths** of files are absolute.
- **Secrets** never stand in it, only the names of the files that hold them.
- **A file without services** is an agent with nothing to do.
- **\`$schema\`** at the top may say where an editor finds the schema; hail does not look at it.

The file is read as a whole, up to 1 MiB, which is room for ten thousand services. If anything is wrong with it, none of it
is used: a key that does not exist, a value that cannot be read, two services on one profile, an order that goes in a
circle. Where root runs the agent, only root may be able to write the file and its folder.

| command | |
| --- | --- |
| \`hail config check\` | says all that is wrong in it, each with file, line and key, without running anything; exit status 0 or 2. It does not look for the files that it names: what is wrong with one of those is told when the agent reads it, and in \`hail status\` |
| \`hail config show [SERVICE...]\` | what is in force, and where it comes from; with \`--json\` as [schema/config-show.json](schema/config-show.json) has it |
| \`hail config schema\` | the JSON Schema of the file, for editors and programs: [schema/config.json](schema/config.json) |
`;

const TABLES = `## Every key

"command line" is the classic one. What may stand at the "top" for all services, a "service" may say for itself.
`;

const ENDING = `## Order

\`after = ["db"]\` makes a service wait, with its first deployment and with each update, until \`db\` has looked for a build
since the service's own came up, has deployed what it found, and is active. So builds that come up together are deployed in
order, whichever is noticed first. \`hail status\` says what is waited for.

- While \`db\` is being deployed, waits for a gate, has failed, or was never deployed, the service waits.
- Where \`db\` is held back for good, by a pause, by the operator or by a mark on its build, what is active there is what is
  to be active, and the service goes on. So it does where \`db\` could not ask its Hydra three times in a row.
- When the agent starts, what is deployed is activated in order, too; there a failure holds up nobody.
- \`hail poll --past-gates\` does without the order, and so does what the operator does while no agent runs.

Names have to be of this file, and no circle may come of them; services that are not connected do not wait for each other.

## Gates

\`gate\` says when a build may be deployed: in a maintenance window, not at a holiday, when it has an age, when the whole
evaluation is green, when a program says so. All gates have to be open. [gates.md](gates.md) has the kinds.

## Reload

SIGHUP (\`systemctl reload\`) makes the agent read the file again. A file with anything wrong in it is refused, every
problem is logged, and the old configuration stays in force. From a good one only what has changed is applied: new services
begin, those that are gone leave, and a service with other settings takes them between two polls. A deployment that is
under way is not disturbed, and nothing is activated again. Credentials are read anew where their file has changed. Another
\`state-dir\` takes effect when hail is started again.

A service polls at once where its new settings may lead to something else (job, credentials, gates, order, policy), or where
it is not well, since they may be what mends it. Otherwise it polls when it would have without the reload: at its turn, when a
gate opens, at a retry; or at once, if it was asked to meanwhile. What could not be kept so far is tried again at once.
New settings of a service that cannot be used, say for a netrc file that is not there, are tried again and again; meanwhile the
old ones are in force, and \`hail status\` has the reason.

## As a unit

On systemd hosts [systemd.md](systemd.md) has a Nix function that makes the unit and the file. A unit by hand is

\`\`\`ini
[Unit]
Wants=network-online.target
After=network-online.target nix-daemon.socket
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/usr/local/bin/hail agent
ExecReload=/bin/sh -c "kill -HUP $MAINPID"
Restart=always
RestartSec=10s
WatchdogSec=2min
KillMode=mixed
LimitNOFILE=16384:524288

[Install]
WantedBy=multi-user.target
\`\`\`

An agent has a file open for each of its services; it warns where it may not. Only one agent works in a \`state-dir\`.

## Removal

What becomes of a service that is taken out of the file is what its \`on-removal\` said when it still was there:

| | |
| --- | --- |
| \`keep\` | nothing: it runs on, and its profile stays |
| \`deactivate\` | its \`bin/deactivate\` runs; the profile stays |
| \`purge\` | its \`bin/deactivate\` runs; then the profile, its generations and what hail remembers of it go |

The data of a service is never touched. It makes no difference whether the agent runs when the service is taken out: it
looks at its next start. \`hail remove\` does the same by hand, see [operator.md](operator.md).

A service that is put back is kept again at once; a removal that is still waiting for its turn, or for the end of
\`bin/deactivate\`, goes no further then. A profile that has begun to go is removed, and deployed anew.

## Another name

What tells one service from another is its profile. One that gets another name, and with it another profile, is a new
service, and the old one is removed, unless the new one says what it was called before:

\`\`\`toml
[services.shop]
renamed-from = "web"
\`\`\`

The new profile then takes over the versions of the old one, and hail's memory of it. The service is not deactivated;
\`bin/activate\` runs once more, as at any start, and finds the new profile in its environment.
The key may stay; nothing in the file may have the old name. Where the new profile is in use already, the agent warns and takes
nothing over: the old service stays until the key is taken out, and goes then as its \`on-removal\` said. A service that says its \`profile\`, and keeps it, may change its
name without more.
`;

/** The text of the page. */
export function configurationPage(): string {
  return [INTRODUCTION, TABLES, ...GROUPS.map(tableOf), ENDING].join("\n");
}

/** The text of the schema. */
export function schemaText(): string {
  return `${JSON.stringify(configSchema(), null, 2)}\n`;
}

type Row = readonly [string, Setting<unknown>];

const ROWS: readonly Row[] = [
  ...keysOf(SERVICE_SETTINGS).map((key): Row => [key, SERVICE_SETTINGS[key]]),
  ...keysOf(AGENT_SETTINGS).map((key): Row => [key, AGENT_SETTINGS[key]]),
];

function tableOf(group: Group): string {
  return [
    `### ${group}`,
    "",
    "| key | | value | default | where |",
    "| --- | --- | --- | --- | --- |",
    ...ROWS.filter(([, setting]) => setting.group === group).map(rowOf),
    "",
  ].join("\n");
}

function rowOf([key, setting]: Row): string {
  const { about, more, form, notation } = setting;
  const what = more === undefined ? about : `${about} ${more}`;
  const value = form === "list" ? `a list: ${notation.written}` : notation.written;
  const cells = [
    `\`${key}\``,
    what,
    value,
    defaultOf(key, setting),
    setting.places.map(placeName).join(", "),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function defaultOf(key: string, { initial }: Setting<unknown>): string {
  if (initial === null) return key === "profile" ? "the service's name" : "must be there";
  return initial.texts === null || initial.texts.length === 0 ? initial.shown : `\`${initial.shown}\``;
}

function placeName(place: Place): string {
  return { "command-line": "command line", "defaults": "top", "service": "service", "agent": "top" }[place];
}

if (import.meta.main) {
  await Deno.writeTextFile(PAGE, configurationPage());
  await Deno.writeTextFile(SCHEMA, schemaText());
}
