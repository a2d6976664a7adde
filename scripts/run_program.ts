/** Runs the programs that tests consist of, within a time limit. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** What takes longer hangs, in milliseconds. */
const LIMIT = 30 * 60_000;

/** How long to wait for the end of the output once a program has ended: what it has started may hold it open. */
const OUTPUT_LIMIT = 5_000;

/**
 * Runs a program in the repository with its output shown as it comes.
 *
 * @returns Whether it succeeded in time.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  return await inTime(program, args, spawn(program, args, env, "inherit"));
}

/** Likewise, but its output is shown in one piece when it has ended. */
export async function runQuietly(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const child = spawn(program, args, env, "piped");
  const output: Uint8Array<ArrayBuffer>[] = [];
  const over = new AbortController();
  const take = (stream: ReadableStream<Uint8Array<ArrayBuffer>>) =>
    stream.pipeTo(new WritableStream({ write: (piece) => void output.push(piece) }), { signal: over.signal })
      .catch(() => {});
  const taken = Promise.all([take(child.stdout), take(child.stderr)]);
  const ok = await inTime(program, args, child);
  const timer = setTimeout(() => over.abort(), OUTPUT_LIMIT);
  await taken;
  clearTimeout(timer);
  let rest = new Uint8Array(await new Blob(output).arrayBuffer());
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
  return ok;
}

function spawn(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  output: "inherit" | "piped",
): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    cwd: REPOSITORY,
    stdin: "null",
    stdout: output,
    stderr: output,
  }).spawn();
}

async function inTime(program: string, args: readonly string[], child: Deno.ChildProcess): Promise<boolean> {
  const timer = setTimeout(() => {
    const what = `${relative(REPOSITORY, program)} ${args.join(" ")}`;
    const text = `${what} is stopped: it has run for ${LIMIT / 60_000} minutes\n`;
    Deno.stdout.writeSync(new TextEncoder().encode(text));
    child.kill("SIGKILL");
  }, LIMIT);
  const { success } = await child.status;
  clearTimeout(timer);
  return success;
}
