import type { AgentCommand } from "./commands/agent.ts";
import type { ApplyUnitsCommand } from "./commands/apply_units.ts";
import type { CheckCommand } from "./commands/check.ts";
import type { ConfigCommand } from "./commands/config.ts";
import type { DeployCommand } from "./commands/deploy.ts";
import type { HistoryCommand } from "./commands/history.ts";
import type { PauseCommand } from "./commands/pause.ts";
import type { PollCommand } from "./commands/poll.ts";
import type { RemoveCommand } from "./commands/remove.ts";
import type { ResumeCommand } from "./commands/resume.ts";
import type { RetryCommand } from "./commands/retry.ts";
import type { RollbackCommand } from "./commands/rollback.ts";
import type { StatusCommand } from "./commands/status.ts";

/** What a command line says. */
export type CommandLine =
  | DeployCommand
  | AgentCommand
  | ConfigCommand
  | ApplyUnitsCommand
  | StatusCommand
  | HistoryCommand
  | CheckCommand
  | PollCommand
  | PauseCommand
  | ResumeCommand
  | RetryCommand
  | RollbackCommand
  | RemoveCommand;
