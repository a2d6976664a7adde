import type { Command } from "commander";
import { EXIT_STATUS } from "../../failure/exit_status.ts";
import { Failure } from "../../failure/failure.ts";
import type { Loaded } from "../../config/load.ts";
import type { ServiceSettings } from "../../settings/service.ts";
import { closest } from "../../text/closest.ts";
import { shown } from "../../text/values.ts";
import { addConfigOption, readConfigOption } from "../config_file.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { configDocument, renderConfig, type Section } from "../render/config.ts";
import { writeDocument } from "../render/documents.ts";
import { clean } from "../render/layout.ts";
import { checkText } from "../values.ts";

/** `hail config check`, `hail config show`, `hail config schema`. */
export type ConfigCommand =
  & { readonly command: "config" }
  & (
    | { readonly does: "check"; readonly config: string }
    | {
      readonly does: "show";
      readonly config: string;
      /** The services, by name; empty for all, and the agent. */
      readonly services: readonly string[];
      readonly json: boolean;
    }
    | { readonly does: "schema" }
  );

/** Adds the commands to the program. */
export function defineConfig(program: Command, done: (command: ConfigCommand) => void) {
  const config = program.command("config")
    .summary("Check or explain the configuration of an agent.")
    .description("Checks or explains the configuration of `hail agent`; docs/configuration.md describes it.")
    .showHelpAfterError("Try: hail config --help")
    .helpOption("-h, --help", "Show this help.")
    .helpCommand(false);

  const check = config.command("check")
    .showHelpAfterError("Try: hail config check --help")
    .summary("Say all that is wrong with it.")
    .description("Says all that is wrong with a configuration, one line each, without running anything.")
    .allowExcessArguments(true);
  addConfigOption(check);
  check.action((options: RawOptions) => {
    const reader = new Reader(check, options);
    reader.refuseWords();
    done({ command: "config", does: "check", config: readConfigOption(reader) });
  });

  const show = config.command("show")
    .showHelpAfterError("Try: hail config show --help")
    .summary("Show what is in force, and where it comes from.")
    .description(
      "Shows the settings that are in force, and where each comes from: a line of the service's own table, a line at the top for all services, or what stands in for what nobody says.",
    )
    .allowExcessArguments(true)
    .argument("[SERVICE...]", "The services to show, by name; without one, the agent and all services.");
  addConfigOption(show);
  show.option("--json", "Write JSON; docs/configuration.md describes it.");
  show.action((_services: unknown, options: RawOptions) => {
    const reader = new Reader(show, options);
    reader.refuseWords();
    const services = reader.words("SERVICE", checkText);
    const json = reader.flag("json");
    done({ command: "config", does: "show", config: readConfigOption(reader), services, json });
  });

  const schema = config.command("schema")
    .showHelpAfterError("Try: hail config schema --help")
    .summary("Print its JSON Schema.")
    .description("Prints the JSON Schema of a configuration, draft 2020-12.")
    .allowExcessArguments(true);
  schema.action((options: RawOptions) => {
    new Reader(schema, options).refuseWords();
    done({ command: "config", does: "schema" });
  });
}

/**
 * Runs the command.
 *
 * @returns The exit status: for a configuration with problems, of which all are written out, that of wrong use.
 * @throws {Failure} `usage`, from `show`: a service is not in the configuration.
 */
export async function runConfig(command: ConfigCommand, context: Context): Promise<number> {
  const { out } = context;
  if (command.does === "schema") {
    const { configSchema } = await import("../../config/schema.ts");
    out(JSON.stringify(configSchema(), null, 2));
    return EXIT_STATUS.ok;
  }
  const { config } = command;
  const { loadConfig, problemLine } = await import("../../config/load.ts");
  const loaded = await loadConfig(config, context.profilesFolder);
  if (loaded.settings === null) {
    const say = command.does === "check" ? out : context.tell;
    for (const problem of loaded.problems) say(clean(problemLine(config, problem)));
    return EXIT_STATUS.usage;
  }
  if (command.does === "check") {
    const { length } = loaded.settings.services;
    out(`${clean(config)} is valid: ${length} ${length === 1 ? "service" : "services"}`);
    return EXIT_STATUS.ok;
  }
  const sections = await sectionsOf(loaded, command.services);
  out(
    command.json ? writeDocument(configDocument(config, sections)) : renderConfig(sections, context.page),
  );
  return EXIT_STATUS.ok;
}

async function sectionsOf(
  { settings, sources }: Extract<Loaded, { problems: readonly [] }>,
  wanted: readonly string[],
): Promise<Section[]> {
  const { agentSettings, serviceSettings } = await import("../../config/effective.ts");
  const services = wanted.length === 0 ? settings.services : choose(settings.services, wanted);
  return [
    ...(wanted.length === 0 ? [{ service: null, settings: agentSettings(sources) }] : []),
    ...services.map((service) => ({ service: service.name, settings: serviceSettings(sources, service) })),
  ];
}

function choose(services: readonly ServiceSettings[], wanted: readonly string[]): ServiceSettings[] {
  return [...new Set(wanted)].map((name) => {
    const found = services.find((service) => service.name === name);
    if (found !== undefined) return found;
    const meant = closest(name, services.map((service) => service.name));
    throw new Failure("usage", {
      what: `service ${shown(name.slice(0, 100))}`,
      why: "there is none of that name in the configuration",
      next: meant === null ? "`hail config show` shows all." : `Did you mean ${meant}?`,
    });
  });
}
