import type { Command } from "commander";
import { Failure } from "../failure/failure.ts";
import { withoutUserInfo } from "../report/user_info.ts";

/** Reads the values of a command's options; what is wrong ends the command as wrong use. */
export class Reader {
  readonly #command: Command;
  readonly #options: Readonly<Record<string, string | undefined>>;

  constructor(command: Command, options: Readonly<Record<string, string | undefined>>) {
    this.#command = command;
    this.#options = options;
  }

  /** Reads an option that has to be there. */
  required<T>(name: string, read: (text: string) => T): T {
    const text = this.#text(name);
    if (text === undefined) return this.#refuse(`required option '--${name}' is missing`);
    return this.#read(name, text, read);
  }

  /** Reads an option that may be missing. */
  optional<T>(name: string, read: (text: string) => T): T | undefined {
    const text = this.#text(name);
    return text === undefined ? undefined : this.#read(name, text, read);
  }

  /** Reads an option whose values the library has checked already. */
  choice<T extends string>(name: string, choices: readonly T[]): T {
    const text = this.#text(name);
    return choices.find((choice) => choice === text) ?? this.#refuse(`option '--${name}' is wrong`);
  }

  /** Refuses words that are neither options nor their values. */
  refuseWords() {
    const [word] = this.#command.args;
    if (word === undefined) return;
    // The library's own answer has a suggestion; it is asked only where there are commands to suggest.
    if (this.#command.commands.length > 0) callUnknownCommand(this.#command);
    // Only the beginning is shown, and nothing of what may be a password in a URI.
    const shown = withoutUserInfo(word).slice(0, 40);
    this.#refuse(`unexpected word ${JSON.stringify(shown)}: ${this.#command.name()} takes options only`);
  }

  #text(name: string): string | undefined {
    return this.#options[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
  }

  #read<T>(name: string, text: string, read: (text: string) => T): T {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return this.#refuse(`option '--${name}': ${error.message}. ${error.next}`);
    }
  }

  #refuse(message: string): never {
    return this.#command.error(`error: ${message}`);
  }
}

/**
 * Reads a value that is only checked where it is used: anything but nothing and control characters.
 *
 * @throws {Failure} `usage`.
 */
export function checkText(text: string): string {
  if (text !== "" && !/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new Failure("usage", {
    what: JSON.stringify(text.slice(0, 200)),
    why: text === "" ? "it is empty" : "it has a control character",
    next: "Check the quoting of the command line.",
  });
}

/** Commander suggests a command only where the program has no action of its own; its method for that is not declared. */
function callUnknownCommand(command: Command) {
  if ("unknownCommand" in command && typeof command.unknownCommand === "function") command.unknownCommand();
}
