import { existsSync } from "node:fs";
import { findPresence, type Presence } from "../control/client.ts";
import { ALIVE_PERIOD } from "../control/server.ts";
import { socketsBeside } from "../journal/state_folder.ts";
import { createRunCommand } from "../process/run_command.ts";
import type { Context } from "./context.ts";
import { AT_ONCE, inOrder } from "./each_service.ts";
import { findLockHolders, type LockHolder } from "./lock_holder.ts";
import type { Agent } from "./render/status.ts";
import { profileOf, type Service } from "./services.ts";

/** How long an agent that writes down what it knows of all its services may be silent, in milliseconds. */
const ALL_LIMIT = ALIVE_PERIOD + 2_000;

/** Knows which hail keeps which service. */
export interface Agents {
  agentOf(service: Service): Promise<Agent>;
}

/**
 * Asks on the sockets of services whether a hail is there, which then writes down what it knows of them. It never throws.
 *
 * @param about Services, of which each is asked about; or the databases of many, which are not read yet: then each socket
 * is asked once for all its services.
 */
export async function findAgents(
  about: readonly string[] | readonly Service[],
  { clock }: Pick<Context, "clock">,
): Promise<Agents> {
  const answers = new Map<string, Presence>();
  const questions = new Map<string, Question>();
  for (const one of about) {
    const [own, agent] = typeof one === "string" ? socketsBeside(one) : one.sockets;
    const profile = typeof one === "string" ? null : one.profile;
    for (const socket of [own, agent]) {
      if (existsSync(socket)) questions.set(keyOf(socket, profile), { socket, profile });
    }
  }
  await inOrder([...questions.values()], AT_ONCE, async ({ socket, profile }) => {
    const limit = profile === null ? ALL_LIMIT : undefined;
    answers.set(keyOf(socket, profile), await findPresence(socket, profile, clock, limit));
  }, () => {});
  let holders: Promise<LockHolder> | null = null;
  return {
    async agentOf(service) {
      const presence = presenceOf(service, (socket, profile) => answers.get(keyOf(socket, profile)));
      switch (presence) {
        case "answers":
          return { is: "running" };
        case "silent":
          return { is: "silent" };
        case "denied":
          return { is: "unknown" };
        case "absent": {
          const holder = await (holders ??= findLockHolders(createRunCommand(clock)));
          const pid = holder(profileOf(service));
          return pid === null ? { is: "absent" } : { is: "holding", pid };
        }
      }
    },
  };
}

/** One question on a socket: about one service, or about all. */
interface Question {
  readonly socket: string;
  readonly profile: string | null;
}

function keyOf(socket: string, profile: string | null): string {
  return `${socket}\n${profile ?? ""}`;
}

/**
 * Whether a hail is there for a service, from what was heard on the sockets. Pure. An agent that was asked about all its
 * services has not said which they are; the database tells whether an agent keeps the service.
 */
export function presenceOf(
  { sockets: [own, agent], profile, settings }: Pick<Service, "sockets" | "profile" | "settings">,
  heard: (socket: string, profile: string | null) => Presence | undefined,
): Presence {
  const alone = heard(own, profile) ?? heard(own, null) ?? "absent";
  if (alone !== "absent") return alone;
  const asked = heard(agent, profile);
  if (asked === "answers") return asked;
  if (settings?.agent === null || settings === null) return "absent";
  return asked ?? heard(agent, null) ?? "absent";
}
