/**
 * The programs that are compared. The executables are copied or compiled into one temporary folder, so that nobody
 * changes or shares them while they are measured.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { compile } from "../scripts/compile.ts";
import { hailExecutable } from "../tests/support/executable.ts";

const BENCH = fileURLToPath(new URL(".", import.meta.url));

/** The paths of what is measured. */
export interface Contenders {
  /** The compiled hail. */
  readonly hail: string;
  /** The bare runtime, compiled in the same way from a program that does nothing. */
  readonly empty: string;
  /** The bare runtime with a single request. */
  readonly oneRequest: string;
  /** The shell loop. */
  readonly shellLoop: string;
}

/** Makes them below a folder. */
export async function makeContenders(folder: string): Promise<Contenders> {
  const contenders = {
    hail: `${folder}/hail`,
    empty: `${folder}/empty`,
    oneRequest: `${folder}/one_request`,
    shellLoop: `${BENCH}shell_loop.sh`,
  };
  await Deno.copyFile(await hailExecutable(), contenders.hail);
  await compile(`${BENCH}programs/empty.ts`, contenders.empty);
  await compile(`${BENCH}programs/one_request.ts`, contenders.oneRequest);
  return contenders;
}
