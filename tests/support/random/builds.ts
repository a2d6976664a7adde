/** The builds of a random test: profiles of a service that runs as a unit, which a reboot really ends. */
import type { Kind } from "./plan.ts";

/** The folder on the host and in the stage into which activations write their log, one file for each service. */
export const LOG_FOLDER = "/var/log/hail-random";

/** The unit as which a service runs. Its description is the store path of the version. */
export function serverOf(service: string): string {
  return `${service}-server.service`;
}

const SHARED = `#!/bin/sh
path=$(readlink -f "$0")
path=\${path%/bin/*}
name=\${path##*/}
name=\${name#*-}
name=\${name%%-*}
unit=$name-server.service
note() { echo "$(date +%s%3N) $1 \${RANDOM_TEST_BY-hail} $path" >>${LOG_FOLDER}/$name; }
`;

// The lock ends with the program, however that ends; what it starts as a unit does not have it. An operator may come in
// hail's way, or hail in his; only hail must not come in its own.
const BEGIN = `lock=/run/$name.activation
exec 9>>$lock
flock --nonblock 9 || {
  [ "\${RANDOM_TEST_BY-hail} $(cat $lock.by)" != "hail hail" ] || note overlap
  flock 9
}
echo "\${RANDOM_TEST_BY-hail}" >$lock.by
note begin
`;

const REPLACE = `systemctl stop $unit 2>/dev/null
systemd-run --quiet --collect --unit=$unit --description="$path" --service-type=exec sleep infinity || exit 3
`;

const ACTIVATE: Readonly<Record<Kind, string>> = {
  "sound": REPLACE,
  "checked": REPLACE,
  "unhealthy": REPLACE,
  "fails-early": "exit 1\n",
  "fails-late": `${REPLACE}exit 1\n`,
  "hangs": "systemctl stop $unit 2>/dev/null\nsleep 600\n",
};

const IS_RUNNING = `[ "$(systemctl show --value --property=Description $unit)" = "$path" ] || {
  echo "another version runs"
  exit 1
}
systemctl is-active $unit
`;

/** The programs of a build, by their names in `bin/`. */
export function programsOf(kind: Kind): Readonly<Record<string, string>> {
  return {
    "activate": `${SHARED}${BEGIN}${ACTIVATE[kind]}note end\n`,
    "deactivate": `${SHARED}note deactivate\nsystemctl stop $unit\n`,
    ...(kind === "checked" ? { "health-check": `${SHARED}${IS_RUNNING}` } : {}),
    ...(kind === "unhealthy" ? { "health-check": "#!/bin/sh\necho not well\nexit 1\n" } : {}),
  };
}

/** The name of a build; its store path ends with it. */
export function buildName(service: string, kind: Kind, round: number): string {
  return `${service}-${kind}-${round}`;
}

/** How a build behaves, by its store path. */
export function kindOf(path: string): Kind {
  const kind = /^\/nix\/store\/[0-9a-z]{32}-[a-z0-9]+-(.+)-[0-9]+$/.exec(path)?.[1];
  if (kind === undefined) throw new Error(`${path} is no build of this test`);
  return kind as Kind;
}
