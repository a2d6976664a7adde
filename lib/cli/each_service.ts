import { Stopped } from "../agent/signals.ts";
import { EXIT_STATUS } from "../failure/exit_status.ts";
import { Failure } from "../failure/failure.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Context } from "./context.ts";
import { writeDocument } from "./render/documents.ts";
import { asksForSeveral, type ServiceOptions } from "./service_options.ts";
import type { Found, Service } from "./services.ts";

/** How many services are asked at once: hail takes many more callers, but others may ask as well. */
export const AT_ONCE = 8;

/** What a command does for each service, and how it tells of it. */
export interface Answering<Result> {
  /** @throws {Failure} What the operator is told of it. */
  act(service: Service): Promise<Result>;
  /** The answer as text; `listed`: it stands among those of others. */
  text(result: Result, service: Service, listed: boolean): string;
  /** The answer in JSON; among those of others it tells which service it is about, too. */
  document(result: Result, service: Service, listed: boolean): Readonly<Record<string, unknown>>;
  /** Whether an answer has several lines, so that a blank line is to stand between two. */
  readonly pages: boolean;
}

/**
 * Does something for one service, or for several at the same time, whose answers come in the order of their names. What
 * fails for one of several is said, and holds up no other.
 *
 * @returns The exit status: 0; of several, that of the failures if they agree, else 1.
 * @throws {Failure} What failed, where one service is asked for.
 * @throws {Stopped} A signal has ended it.
 */
export async function answerForEach<Result>(
  options: Pick<ServiceOptions, "services" | "all" | "json">,
  { services, unreadable }: Found,
  context: Pick<Context, "out" | "report">,
  answering: Answering<Result>,
): Promise<number> {
  const { out, report } = context;
  const [only] = services;
  if (!asksForSeveral(options) && only !== undefined) {
    const result = await answering.act(only);
    out(
      options.json
        ? writeDocument(answering.document(result, only, false))
        : answering.text(result, only, false),
    );
    return EXIT_STATUS.ok;
  }
  const documents: Readonly<Record<string, unknown>>[] = [];
  const failures: ReturnType<typeof failureDocument>[] = [];
  const statuses: number[] = [];
  const fail = (error: unknown, service: Service | null) => {
    statuses.push(error instanceof Failure ? error.exitStatus : EXIT_STATUS.internal);
    failures.push(failureDocument(error, service));
    report(service === null ? failureEvent(error) : { ...failureEvent(error), service: service.name });
  };
  let texts = 0;
  for (const { failure } of unreadable) fail(failure, null);
  await inOrder(services, AT_ONCE, answering.act, (settled, service) => {
    if (settled.status === "rejected") return fail(settled.reason, service);
    const { value } = settled;
    if (options.json) documents.push(answering.document(value, service, true));
    else out(`${answering.pages && texts++ > 0 ? "\n" : ""}${answering.text(value, service, true)}`);
  });
  if (options.json) out(writeDocument({ services: documents, failures }));
  return combined(statuses);
}

/** The exit status of several services, of which some may have failed. */
function combined(failed: readonly number[]): number {
  const [first = EXIT_STATUS.ok, ...more] = failed;
  return more.every((status) => status === first) ? first : EXIT_STATUS.internal;
}

function failureDocument(error: unknown, service: Service | null) {
  const known = error instanceof Failure ? error : null;
  return {
    service: service?.name ?? null,
    profile: service?.profile ?? null,
    code: known?.code ?? "internal",
    message: known?.message ?? "a fault of hail itself",
    next: known?.next ?? "Please report what stands on standard error.",
  };
}

/**
 * Works on several things at the same time, and hands over what came of them in their order, each as soon as it and all
 * before it are done.
 *
 * @throws {Stopped} From a work; the others that have begun come to their end first, and no more are begun.
 */
export async function inOrder<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
  take: (settled: PromiseSettledResult<Result>, item: Item) => void,
): Promise<void> {
  const waiting = new Map<number, readonly [PromiseSettledResult<Result>, Item]>();
  const queue = items.entries();
  let taken = 0;
  let stopped: Stopped | null = null;
  const worker = async () => {
    for (const [index, item] of queue) {
      const [settled] = await Promise.allSettled([work(item)]);
      if (settled.status === "rejected" && settled.reason instanceof Stopped) stopped = settled.reason;
      if (stopped !== null) return;
      waiting.set(index, [settled, item]);
      for (let next = waiting.get(taken); next !== undefined; next = waiting.get(taken)) {
        waiting.delete(taken++);
        take(...next);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (stopped !== null) throw stopped;
}
