import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";
import { withoutUserInfo } from "../report/user_info.ts";
import type { CommandLine } from "./command_line.ts";
import { defineAgent } from "./commands/agent.ts";
import { defineApplyUnits } from "./commands/apply_units.ts";
import { defineCheck } from "./commands/check.ts";
import { defineConfig } from "./commands/config.ts";
import { defineDeploy } from "./commands/deploy.ts";
import { defineHistory } from "./commands/history.ts";
import { definePause } from "./commands/pause.ts";
import { definePoll } from "./commands/poll.ts";
import { defineRemove } from "./commands/remove.ts";
import { defineResume } from "./commands/resume.ts";
import { defineRetry } from "./commands/retry.ts";
import { defineRollback } from "./commands/rollback.ts";
import { defineStatus } from "./commands/status.ts";
import { epilogue } from "./epilogue.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Builds the whole command line out of one definition, from which parser, help and completion come. Each command has a
 * file of its own in `commands/`; the deployment is what the program does without one.
 *
 * The values are read in the actions and not by the library, whose messages would repeat a wrong value, and with it a
 * password that somebody put into a URI.
 *
 * @param profilesFolder Where profiles lie that are given by name.
 * @param version The version of hail.
 * @param terminal Where help and errors go.
 * @param done Takes what the command line says.
 */
export function buildProgram(
  profilesFolder: string,
  version: string,
  terminal: Terminal,
  done: (command: CommandLine) => void,
): Command {
  // What is set here before the first command, all commands take over.
  const program = new Command("hail")
    .exitOverride()
    .showHelpAfterError("Try: hail --help")
    .configureOutput({
      writeOut: terminal.stdout,
      writeErr: (text) => terminal.stderr(withoutSecrets(text)),
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .description("Keeps a Nix profile at the latest successful build of a Hydra job.")
    .usage("--profile PROFILE --job-uri URI [options]\n       hail COMMAND [SERVICE...] [options]")
    .helpCommand(false)
    // Options behind a command are the command's, also where the deployment has one of the same name.
    .enablePositionalOptions()
    .allowExcessArguments(true);
  defineDeploy(program, profilesFolder, done);
  program
    .optionsGroup("Other:")
    .version(version, "--version", "Show the version.")
    .helpOption("-h, --help", "Show this help.")
    .addHelpText("after", epilogue());

  program.commandsGroup("Commands for services (hail COMMAND --help tells more):");
  defineStatus(program, done);
  defineHistory(program, done);
  defineCheck(program, done);
  definePoll(program, done);
  definePause(program, Date.now, done);
  defineResume(program, done);
  defineRetry(program, done);
  defineRollback(program, done);
  defineRemove(program, done);
  program.commandsGroup("Other commands:");
  defineAgent(program, done);
  defineConfig(program, done);
  defineApplyUnits(program, done);

  tab(program);
  program.commands.find((command) => command.name() === "complete")
    ?.summary("Print the completion script of a shell.");
  return program;
}

/** Some messages of the library repeat what was typed, and that may be a URI with a password. */
function withoutSecrets(text: string): string {
  return withoutUserInfo(text).replace(/(unknown option '--[^'=]*)=[^\n]*'/, "$1'");
}
