import type { Deployer } from "../deployment/deployer.ts";
import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import type { Stop } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import type { Event, Report } from "../report/event.ts";
import type { Bell } from "./bell.ts";

/** A {@linkcode Report} that others can listen to for a while. */
export interface Tee {
  readonly report: Report;
  /** Hands on every event from now on; the result ends that. */
  listen(listener: (event: Event) => void): () => void;
}

/** Makes a {@linkcode Tee} in front of a report. */
export function createTee(report: Report): Tee {
  const listeners = new Set<(event: Event) => void>();
  return {
    report(event) {
      report(event);
      for (const listener of listeners) listener(event);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What {@linkcode createOperator} needs. */
export interface OperatorPorts {
  readonly deployer: Deployer;
  readonly bell: Bell;
  readonly stop: Stop;
  readonly tee: Tee;
  /** Whether a hail polls now when the bell rings, or later: since it has not started yet, or none runs. */
  readonly polls: "now" | "later";
}

/** Does what the operator asks for. */
export type HandleRequest = (
  request: OperatorRequest,
  progress: (text: string) => void,
) => Promise<OperatorAnswer>;

/**
 * Makes the function that does what operators ask a running hail for. What it does is logged, too.
 *
 * @throws {Failure} From the function: what {@linkcode Deployer.rollback} throws.
 */
export function createOperator({ deployer, bell, stop, tee, polls }: OperatorPorts): HandleRequest {
  const act = async (
    request: OperatorRequest,
    progress: (text: string) => void,
  ): Promise<OperatorAnswer> => {
    switch (request.command) {
      case "poll":
        if (request.pastGates === true) deployer.letPass();
        bell.ring();
        return {
          message: request.pastGates === true
            ? "hail polls now, and deploys what it finds without asking the gates"
            : polls === "now"
            ? "hail polls now"
            : "hail polls as soon as it has started with this service",
        };
      case "pause": {
        const answer = deployer.pause(request.reason, request.until);
        // So that the status tells of it at once.
        bell.ring();
        return answer;
      }
      case "resume": {
        const answer = deployer.resume();
        bell.ring();
        return answer;
      }
      case "retry": {
        const { message } = deployer.retry();
        bell.ring();
        return { message: `${message}; ${polls === "now" ? "hail polls now" : "that is for the next poll"}` };
      }
      case "rollback": {
        const end = tee.listen(({ message, level }) => {
          if (level !== "debug") progress(message);
        });
        try {
          return await deployer.rollback(request.to, stop);
        } catch (error) {
          if (!stop.gently.aborted || error !== stop.gently.reason) throw error;
          throw new Failure("rollback-failed", {
            what: "roll-back",
            why: "hail was told to stop in the middle of it",
            next: "It goes on when hail starts again.",
            cause: error,
          });
        } finally {
          end();
          bell.ring();
        }
      }
    }
  };
  return async (request, progress) => {
    const answer = await act(request, progress);
    tee.report({
      name: "operator",
      level: "info",
      message: `hail ${request.command}: ${answer.message}`,
      fields: { command: request.command },
    });
    return answer;
  };
}
