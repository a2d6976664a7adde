/** Health checks that are programs. */
import { whyNotStarted } from "../process/not_started.ts";
import { withoutUserInfo } from "../report/user_info.ts";
import { type Program, readProgram } from "../text/program.ts";
import type { Kind } from "./kind.ts";

/** A program and its arguments. */
export type ExecTarget = Program;

/** How much of a program's last words is shown, in characters. */
const WORDS_LIMIT = 300;

/**
 * `exec PROGRAM` or `exec "PROGRAM ARGUMENT..."`: passes if the program ends with status 0. It is no shell that splits
 * the words, but hail, by the same rules as the rest. The program runs in a process group of its own, which is ended at
 * the check's timeout.
 */
export const exec: Kind<ExecTarget> = {
  synopsis: 'exec "PROGRAM [ARGUMENT...]"',
  keys: [],
  hint: 'Put the program and its arguments in quotes together: exec "PROGRAM ARGUMENT...".',
  read: readProgram,
  nameOf: ({ program }) => `exec ${program}`,
  open: ({ program, args, timeout, name }, { run, environment, onLine }) => ({
    async look(signal) {
      let exit;
      try {
        exit = await run({
          program,
          args,
          env: environment,
          timeLimit: timeout,
          signal,
          onLine: (line, stream) => onLine(name, line, stream),
        });
      } catch (error) {
        return whyNotStarted(error);
      }
      if (exit.ended !== null) return "it took too long and was ended";
      if (exit.status === 0) return null;
      const how = exit.signal === null ? `it ended with status ${exit.status}` : `${exit.signal} ended it`;
      const words = withoutUserInfo(exit.output.at(-1) ?? "").slice(0, WORDS_LIMIT);
      return words === "" ? how : `${how}: ${words}`;
    },
  }),
};
