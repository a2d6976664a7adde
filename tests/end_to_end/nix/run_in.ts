import type { RunCommand } from "../../../lib/process/run_command.ts";
import type { NixTree } from "../../support/nix_tree.ts";

/**
 * A {@linkcode RunCommand} whose programs run in the tree, so that a test can use the parts of hail that run Nix's
 * commands. Paths below the tree's folder become what they are inside of it.
 *
 * @param prefix A command that runs the program that follows it.
 */
export function runIn(
  tree: NixTree,
  prefix: readonly string[] = [],
): { readonly run: RunCommand; readonly commands: readonly string[][] } {
  const commands: string[][] = [];
  const run: RunCommand = async ({ program, args, env = {}, onLine, signal }) => {
    signal?.throwIfAborted();
    const command = [program, ...args.map((arg) => arg.replace(`${tree.folder}/nix`, "/nix"))];
    commands.push(command);
    const { status, stdout, stderr } = await tree.run([...prefix, ...command], { env, mayFail: true });
    const output: string[] = [];
    for (const [text, stream] of [[stdout, "stdout"], [stderr, "stderr"]] as const) {
      for (const line of text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "")) {
        onLine?.(line, stream);
        output.push(line);
      }
    }
    return { status, signal: null, ended: null, output };
  };
  return { run, commands };
}
