import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Version } from "../../deployment/record.ts";
import { Failure } from "../../failure/failure.ts";
import { findGeneration, type Generation, generations } from "../../nix/generations.ts";
import type { ProfilePath } from "../../nix/profile_name.ts";
import { parseStorePath, storeFolder, type StorePath } from "../../nix/store_path.ts";
import { askServices } from "../ask_services.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import {
  asksForSeveral,
  readServiceOptions,
  serviceCommand,
  type ServiceOptions,
} from "../service_options.ts";
import { profileOf, type Service, withDatabase } from "../services.ts";
import { checkText } from "../values.ts";
import { versionOf } from "../version_of.ts";

/** `hail rollback [SERVICE...]`. */
export interface RollbackCommand extends ServiceOptions {
  readonly command: "rollback";
  /** A generation or a store path; undefined for the version that was active before. */
  readonly to: string | undefined;
}

/** Adds the command to the program. */
export function defineRollback(program: Command, done: (command: RollbackCommand) => void) {
  const command = serviceCommand(
    program,
    "rollback",
    "Go back to the version before, or to another one.",
    "Goes back to the version that was active before: the profile is pointed at it, its bin/activate runs, and its health is checked. What is left is marked bad, so that it is not deployed again. It goes on when this command is ended.",
  ).option(
    "--to <GENERATION|PATH>",
    "Where to: the number of a generation of the profile, or a store path. (default: the version that was active before)",
  );
  command.action((_services: unknown, options: RawOptions) => {
    const reader = new Reader(command, options);
    const services = readServiceOptions(reader);
    const to = reader.optional("to", checkText);
    if (to !== undefined && asksForSeveral(services)) {
      reader.refuse("option '--to' takes one SERVICE: no other has the same generations");
    }
    done({ command: "rollback", ...services, to });
  });
}

/**
 * Runs the command.
 *
 * @throws {Failure} `usage`: there is no such generation or store path; as `askServices`.
 */
export function runRollback(command: RollbackCommand, context: Context): Promise<number> {
  const { to } = command;
  return askServices(command, async (service) => ({
    command: "rollback",
    to: to === undefined ? null : await findVersion(to, service, context),
  }), context);
}

async function findVersion(to: string, service: Service, { env }: Context): Promise<Version> {
  const store = storeFolder(env);
  const path = /^[0-9]+$/.test(to)
    ? await pathOfGeneration(to, profileOf(service), store)
    : existingPath(to, store);
  const history = withDatabase(service.file, { env }, (stored) => stored.history(1_000));
  return versionOf(path, service.record, history);
}

async function pathOfGeneration(number: string, profile: ProfilePath, store: string): Promise<StorePath> {
  const all = await generations(profile, store);
  const found = findGeneration(all, number);
  if (found !== null) return found.path;
  throw new Failure("usage", {
    what: `generation ${number} of ${profile}`,
    why: "there is none",
    next: all.length === 0 ? "Give a store path." : `There are: ${numbersOf(all)}.`,
  });
}

/** The numbers of the newest generations. */
function numbersOf(all: readonly Generation[]): string {
  const numbers = all.map(({ number }) => number).toReversed();
  return `${numbers.slice(0, 20).join(", ")}${numbers.length > 20 ? " and older ones" : ""}`;
}

function existingPath(text: string, store: string): StorePath {
  const path = parseStorePath(text, store);
  const refuse = (why: string, next: string) =>
    new Failure("usage", { what: JSON.stringify(text.slice(0, 300)), why, next });
  if (path === null) {
    throw refuse(
      "it is neither a number nor a store path",
      "Give the number of a generation, or a path as `hail history --json` shows it.",
    );
  }
  if (!existsSync(path)) {
    throw refuse("it is not in the store", "hail goes back only to what is there; give another one.");
  }
  if (!existsSync(`${path}/bin/activate`)) {
    throw refuse(
      "it has no bin/activate, so it is no profile that hail can go back to",
      "Give another path.",
    );
  }
  return path;
}
