import { Mistake } from "./mistake.ts";
import { splitWords } from "./words.ts";

/** A program and its arguments. */
export interface Program {
  /** An absolute path, or a name that is looked up on PATH. */
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * Reads a program with its arguments. It is no shell that splits the words, but {@linkcode splitWords}.
 *
 * @throws {Mistake} It is empty, or the program is a relative path.
 */
export function readProgram(text: string): Program {
  const [program = "", ...args] = splitWords(text);
  if (program === "") throw new Mistake("it names no program", "Give the absolute path of a program.");
  if (program.includes("/") && !program.startsWith("/")) {
    throw new Mistake("the program is a relative path", "Give its absolute path.");
  }
  return { program, args };
}
