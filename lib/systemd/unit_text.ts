import { isFolder, isName } from "./unit_name.ts";

/**
 * The mark of ownership in a unit file: a section that systemd ignores, since its name begins with `X-`
 * (systemd.unit(5)).
 */
const SECTION = "X-Hail";

/** The largest unit file, in bytes. hail's own have about two thousand. */
export const UNIT_LIMIT = 256 * 1024;

/** The lines of a unit file that stand in hail's section, and all others. */
function divide(text: string): { readonly own: readonly string[]; readonly others: readonly string[] } {
  let section = "";
  const own: string[] = [];
  const others: string[] = [];
  for (const line of text.split("\n")) {
    section = /^\[(.*)\]\s*$/.exec(line)?.[1] ?? section;
    (section === SECTION ? own : others).push(line);
  }
  return { own, others };
}

/** What hail's section says under a name, each time that it does. */
function said(text: string, name: string): readonly string[] {
  return divide(text).own.flatMap((line) => line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []);
}

/** The namespace that a unit file, or a pending mark, belongs to; null if none claims it. */
export function namespaceOf(text: string): string | null {
  return said(text, "Namespace")[0] ?? null;
}

/**
 * The services that the hail of a unit keeps, where those are not told by the name of the unit: one `Keeps=NAME` each in
 * hail's section. What is not the name of a service is left out.
 */
export function keptServices(text: string): ReadonlySet<string> {
  return new Set(said(text, "Keeps").filter(isName));
}

/**
 * The build of the bootstrap profile that the hail of a unit runs by, where the unit does not name it: `Build=PATH` in
 * hail's section. Null if there is none, or it is no plain absolute path.
 */
export function buildOf(text: string): string | null {
  return said(text, "Build").find(isFolder) ?? null;
}

/**
 * Whether two unit files differ in nothing but hail's section. systemd ignores that, so the unit need not be restarted;
 * what its hail reads by itself has changed.
 */
export function differInSection(one: string, other: string): boolean {
  return one !== other && divide(one).others.join("\n") === divide(other).others.join("\n");
}

/** What a pending mark says: whose work is unfinished. */
export function pendingMark(namespace: string): string {
  return `[${SECTION}]\nNamespace=${namespace}\n`;
}

/**
 * Whether a unit file is one that may be adopted: a unit of the original hail's bootstrap, or one that somebody wrote
 * for the same purpose. It has no section `[X-Hail]`, and its one `ExecStart=` runs a program named `hail` by its
 * absolute path with `--profile hail-profiles/SERVICE` and a `--job-uri`, once each.
 *
 * What systemd would read otherwise than it looks here (escapes, continued lines, open quotes) makes it nobody's.
 *
 * @param service The service that the file is named after.
 */
export function isAdoptable(text: string, service: string): boolean {
  if (/\\$/m.test(text)) return false;
  let section = "";
  const commands: string[] = [];
  for (const line of text.split("\n").map((line) => line.trim())) {
    const header = /^\[(.*)\]$/.exec(line)?.[1];
    if (header !== undefined) section = header;
    if (section === SECTION) return false;
    const command = /^ExecStart\s*=\s*(.*)$/.exec(line)?.[1];
    if (section === "Service" && command !== undefined) commands.push(command);
  }
  const [command] = commands;
  const words = commands.length === 1 && command !== undefined ? wordsOf(command) : null;
  if (words === null || !/^\/(?:.*\/)?hail$/.test(words[0] ?? "")) return false;
  const profiles = valuesOf(words, "--profile");
  const uris = valuesOf(words, "--job-uri");
  return profiles.length === 1 && profiles[0] === `hail-profiles/${service}` && uris.length === 1 &&
    /^https?:/i.test(uris[0] ?? "");
}

/** The words of a command line of systemd, if it is plain: null if it has escapes, or quotes within a word. */
function wordsOf(command: string): readonly string[] | null {
  const word = /(?:"([^"\\]*)"|'([^'\\]*)'|([^\s"'\\]+))(?:\s+|$)/y;
  const words: string[] = [];
  while (word.lastIndex < command.length) {
    const found = word.exec(command);
    if (found === null) return null;
    const [, double, single, bare] = found;
    // A second command may follow a semicolon, and a variable may become more than one word.
    if (bare === ";" || bare?.startsWith("$")) return null;
    words.push(double ?? single ?? bare ?? "");
  }
  return words;
}

function valuesOf(words: readonly string[], option: string): readonly (string | undefined)[] {
  return words.flatMap((word, index) =>
    word === option
      ? [words[index + 1]]
      : word.startsWith(`${option}=`)
      ? [word.slice(option.length + 1)]
      : []
  );
}
