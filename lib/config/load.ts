/** Loads the configuration of an agent. */
import type { Document } from "./document.ts";
import { readConfigFile } from "./file.ts";
import { parseJson } from "./json.ts";
import { type Loaded, readConfig } from "./read.ts";
import { parseToml } from "./toml.ts";

export { configFailure, type Problem, problemLine } from "./problem.ts";
export type { Loaded, LogSettings, Sources } from "./read.ts";

/**
 * Reads a configuration file and checks it as a whole. Nothing is thrown for what is wrong with it.
 *
 * @param file Its path.
 * @param profilesFolder Where profiles lie that are given by name.
 */
export async function loadConfig(file: string, profilesFolder: string): Promise<Loaded> {
  const read = await readConfigFile(file, Deno.uid());
  if ("problem" in read) return { settings: null, problems: [read.problem] };
  return readConfig(takeApart(file, read.text), profilesFolder);
}

/** Takes a configuration apart. It is JSON if its name or its first character says so. */
export function takeApart(file: string, text: string): Document {
  const json = file.endsWith(".json") || (!file.endsWith(".toml") && /^\s*\{/.test(text));
  return json ? parseJson(text) : parseToml(text);
}
