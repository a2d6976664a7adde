import type { Command } from "commander";
import { Failure } from "../failure/failure.ts";
import { withoutUserInfo } from "../report/user_info.ts";

/** The options of a command as the library hands them over: a list where an option may be repeated. */
export type RawOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Reads the values of a command's options; what is wrong ends the command as wrong use. */
export class Reader {
  readonly #command: Command;
  readonly #options: RawOptions;

  constructor(command: Command, options: RawOptions) {
    this.#command = command;
    this.#options = options;
  }

  /** Reads an option that has to be there. */
  required<T>(name: string, read: (text: string) => T): T {
    const text = this.#text(name);
    if (text === undefined) return this.refuseOption(name, null);
    return this.#read(`option '--${name}'`, text, read);
  }

  /** Reads an option that may be missing. */
  optional<T>(name: string, read: (text: string) => T): T | undefined {
    const text = this.#text(name);
    return text === undefined ? undefined : this.#read(`option '--${name}'`, text, read);
  }

  /** Reads an option that may be repeated. */
  list<T>(name: string, read: (text: string) => T): T[] {
    const value = this.#value(name);
    const texts = Array.isArray(value) ? value.map(String) : [];
    return texts.map((text) => this.#read(`option '--${name}'`, text, read));
  }

  /** Whether an option without a value is there. */
  flag(name: string): boolean {
    return this.#value(name) === true;
  }

  /** Reads an option whose values the library has checked already. */
  choice<T extends string>(name: string, choices: readonly T[]): T {
    const text = this.#text(name);
    return choices.find((choice) => choice === text) ?? this.refuse(`option '--${name}' is wrong`);
  }

  /** Reads an option whose values the library has checked already, and that may be missing. */
  optionalChoice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    return this.#text(name) === undefined ? undefined : this.choice(name, choices);
  }

  /** Reads the words that are no options. */
  words<T>(name: string, read: (text: string) => T): T[] {
    return this.#command.args.map((text) => this.#read(`argument '${name}'`, text, read));
  }

  /** Refuses words where the command takes options only, and options in front of the command. */
  refuseWords() {
    const { args, registeredArguments, commands, parent } = this.#command;
    const above = ancestorsOf(parent);
    const [stray] = above.flatMap((one) =>
      one.options.filter((option) => one.getOptionValueSource(option.attributeName()) === "cli")
    );
    if (stray !== undefined) {
      const words = [...above.map((one) => one.name()).reverse(), this.#command.name()].join(" ");
      this.refuse(`option '${stray.long}' stands before the command: write ${words} [options]`);
    }
    const [word] = args;
    if (word === undefined || registeredArguments.length > 0) return;
    // The library's own answer has a suggestion; it is asked only where there are commands to suggest.
    if (commands.length > 0) callUnknownCommand(this.#command);
    // Only the beginning is shown, and nothing of what may be a password in a URI.
    const shown = withoutUserInfo(word).slice(0, 40);
    this.refuse(`unexpected word ${JSON.stringify(shown)}: ${this.#command.name()} takes options only`);
  }

  /**
   * Ends the command for what is wrong with an option.
   *
   * @param failure Null if it is missing.
   */
  refuseOption(name: string, failure: Failure | null): never {
    return this.refuse(
      failure === null
        ? `required option '--${name}' is missing`
        : `option '--${name}': ${failure.message}. ${failure.next}`,
    );
  }

  /** Ends the command as wrong use. */
  refuse(message: string): never {
    return this.#command.error(`error: ${message}`);
  }

  #value(name: string): RawOptions[string] {
    return this.#options[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
  }

  #text(name: string): string | undefined {
    const value = this.#value(name);
    return typeof value === "string" ? value : undefined;
  }

  #read<T>(what: string, text: string, read: (text: string) => T): T {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return this.refuse(`${what}: ${error.message}. ${error.next}`);
    }
  }
}

/** A command, and those that it belongs to. */
function ancestorsOf(command: Command | null): Command[] {
  return command === null ? [] : [command, ...ancestorsOf(command.parent)];
}

/** Commander suggests a command only where the program has no action of its own; its method for that is not declared. */
function callUnknownCommand(command: Command) {
  if ("unknownCommand" in command && typeof command.unknownCommand === "function") command.unknownCommand();
}
