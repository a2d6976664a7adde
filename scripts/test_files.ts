/** Which files of tests there are, and which of them share a process. */
import { repositoryModules } from "./layers.ts";

/** The files of each kind of tests. */
export interface TestFiles {
  readonly fast: readonly string[];
  readonly nix: readonly string[];
  readonly systemd: readonly string[];
}

/** The files that take longest, by the end of their names, the longest first. */
const LONGEST = [
  "nix/kill_matrix_test.ts",
  "systemd/activation_test.ts",
  "systemd/bootstrap_agent_test.ts",
  "systemd/random_test.ts",
  "systemd/bootstrap_test.ts",
  "nix/health_test.ts",
  "nix/deployment_test.ts",
  "systemd/agent_test.ts",
  "command_line/agent_removal_test.ts",
  "command_line/agent_rename_test.ts",
  "command_line/agent_test.ts",
  "command_line/agent_reload_test.ts",
  "command_line/agent_order_test.ts",
  "command_line/operator_test.ts",
  "command_line/many_services_test.ts",
  "process/run_command_test.ts",
  "command_line/process_test.ts",
  "activation/process_test.ts",
  "journal/processes_test.ts",
];

/** All files of tests. */
export async function testFiles(): Promise<TestFiles> {
  const all = (await repositoryModules()).filter((module) => module.endsWith("_test.ts"));
  const below = (folder: string) => all.filter((file) => file.startsWith(`tests/end_to_end/${folder}`));
  return {
    fast: all.filter((file) => !file.startsWith("tests/end_to_end/")),
    nix: below("nix/"),
    systemd: below("systemd/"),
  };
}

/**
 * Puts files into groups of so many. Those that take longest are alone and come first, so that none of them is waited for in
 * the end.
 */
export function inGroups(files: readonly string[], size: number): string[][] {
  const isLong = (file: string) => LONGEST.some((end) => file.endsWith(`/${end}`));
  const place = (file: string) => LONGEST.findIndex((end) => file.endsWith(`/${end}`));
  const groups = files.filter(isLong).toSorted((a, b) => place(a) - place(b)).map((file) => [file]);
  const others = files.filter((file) => !isLong(file));
  for (let at = 0; at < others.length; at += size) groups.push(others.slice(at, at + size));
  return groups;
}
