import { fileURLToPath } from "node:url";
import { compile, EXECUTABLE } from "../../scripts/compile.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
/** What the executable is made of. */
const SOURCES = ["main.ts", "lib", "deno.json", "deno.lock", "scripts/compile.ts", "scripts/denort"];

let compiled: Promise<string> | null = null;

/**
 * The path of the compiled hail. It is compiled if that was not done yet, or if a source is newer.
 *
 * Two test processes may ask at once: the one that comes second waits.
 */
export function hailExecutable(): Promise<string> {
  compiled ??= compileOnce();
  return compiled;
}

async function compileOnce(): Promise<string> {
  await Deno.mkdir(`${REPOSITORY}/dist`, { recursive: true });
  using lock = await Deno.open(`${REPOSITORY}/dist/.compile.lock`, { create: true, write: true });
  await lock.lock(true);
  if (await modified(EXECUTABLE) <= await newestSource()) await compile();
  return EXECUTABLE;
}

async function newestSource(): Promise<number> {
  return Math.max(...await Promise.all(SOURCES.map((source) => newest(`${REPOSITORY}/${source}`))));
}

/** When a file, or the newest of the files in a folder that are not tests, was changed. */
async function newest(path: string): Promise<number> {
  let time = await modified(path);
  if (time > 0 && (await Deno.stat(path)).isDirectory) {
    for await (const entry of Deno.readDir(path)) {
      if (!entry.name.endsWith("_test.ts")) time = Math.max(time, await newest(`${path}/${entry.name}`));
    }
  }
  return time;
}

/** In milliseconds since 1970; 0 if there is no such file. */
async function modified(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
