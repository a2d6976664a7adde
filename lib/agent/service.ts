import { AFTER } from "../deployment/decision.ts";
import type { PassResult } from "../deployment/deployer.ts";
import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import type { Gates, Stop } from "../deployment/ports.ts";
import type { Closed, ServiceRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { anySignal } from "../time/any_signal.ts";
import { nextDelay } from "./backoff.ts";
import { Bell } from "./bell.ts";
import { runLoop, runOnce, waitFor } from "./loop.ts";
import { type OpenPorts, OpenService } from "./open_service.ts";
import { createOperator, createTee, type Tee } from "./operator.ts";
import type { Order } from "./order.ts";
import { phaseOf } from "./phase.ts";
import { type Plan, replanned } from "./plan.ts";
import { TokenBuckets } from "../time/token_buckets.ts";
import type { Hindrances } from "./hindrances.ts";
import { waitForOthers } from "./start_order.ts";

/** What a service needs of the hail that keeps it. */
export interface ServicePorts extends OpenPorts {
  readonly order: Order;
  readonly stop: Stop;
  /** Where operators see that it cannot be kept yet; null for a hail of the classic command line, which ends then. */
  readonly hindrances: Hindrances | null;
  /** Called before each try to open it. What it throws is treated like what the opening throws. */
  readonly prepare: (settings: ServiceSettings) => Promise<void>;
}

/** How often an agent tries again to open a service that cannot be opened, in milliseconds: at the most. */
const OPEN_PERIOD = 5 * 60_000;

/** After so many failed passes in a row, a service is not about to see a new build. */
const HOPELESS = 3;

/** How often one service polls since others have moved on: two Hydras that disagree could make that go on without a pause. */
const IN_ORDER = { burst: 10, perSecond: 1 / 30 };

/**
 * One service of a hail, from the taking of its profile's lock to its release: at rest, its settings can be exchanged, or it
 * can be made to leave, and nothing of what is under way is disturbed by that.
 */
export class Service {
  readonly #ports: ServicePorts;
  readonly #tee: Tee;
  readonly #bell = new Bell();
  #settings: ServiceSettings;
  #open: OpenService | null = null;
  /** Why it could not be opened at the last try. */
  #hindrance: Failure | null = null;
  /** What the configuration says: where that is something else, it comes into force as soon as nothing is under way. */
  #wanted: ServiceSettings;
  /** What of that could not come into force, until it is tried again. */
  #refused: ServiceSettings | null = null;
  /** How often that has failed in a row. */
  #refusals = 0;
  /** Aborted where they are not to be tried again by themselves any more. */
  #retrying = new AbortController();
  readonly #inOrderPace = new TokenBuckets(IN_ORDER, 1);
  /** Whether it has begun to poll. */
  #polls = false;
  /** Settles when the settings that are being exchanged are in force, or not. */
  #exchanging: Promise<void> | null = null;
  readonly #leaving = new AbortController();

  constructor(settings: ServiceSettings, ports: ServicePorts) {
    this.#settings = settings;
    this.#wanted = settings;
    // Events of a classic hail speak of its only service.
    const tee = createTee((event) =>
      ports.report(ports.config === null ? event : { ...event, service: this.name })
    );
    this.#tee = tee;
    this.#ports = { ...ports, report: tee.report };
    ports.order.enter(this);
  }

  /** What the configuration says of it: the settings that are in force, or are to be as soon as that is possible. */
  get settings(): ServiceSettings {
    return this.#wanted;
  }

  /** Its name by the settings that are in force. */
  get name(): string {
    return this.#settings.name;
  }

  /** Whether the file with its credentials was changed since it was read. */
  get hasNewCredentials(): boolean {
    return this.#open?.hasNewCredentials ?? false;
  }

  /** What hail remembers of it; null while its state is not open. */
  record(): ServiceRecord | null {
    return this.#open?.record ?? null;
  }

  /** Why it cannot be kept so far; null where it is, or where nothing has failed. */
  hindrance(): string | null {
    return this.#hindrance?.message ?? null;
  }

  /** Asks for a poll now. */
  poll(): void {
    this.#bell.ring();
  }

  /** Tries at once what has failed, be it to open the service or to put its new settings into force: it may be mended. */
  tryAgain(): void {
    this.#forgetRefusal();
    if (this.#open === null) this.#bell.ring();
    else this.#bell.stir();
  }

  #forgetRefusal(): void {
    this.#refused = null;
    this.#retrying.abort();
  }

  /** Settings that are to come into force now; null for none. */
  get #next(): ServiceSettings | null {
    return this.#wanted === this.#settings || this.#wanted === this.#refused ? null : this.#wanted;
  }

  /** Writes down what waits to be written. */
  flush(): void {
    this.#open?.flush();
  }

  /** Exchanges the settings, at once or after what is under way. The profile stays the same. */
  reconfigure(settings: ServiceSettings): void {
    this.#wanted = settings;
    this.#refusals = 0;
    this.#forgetRefusal();
    // Where this process ends before they come into force, another one finds what is to become of the service.
    this.#open?.announce(settings);
    if (this.#hindrance !== null) this.#note(this.#hindrance, 1, null);
    this.#bell.stir();
  }

  /** Makes {@linkcode Service.run} end as soon as nothing is under way. */
  leave(): void {
    this.#ports.order.leave(this);
    this.#leaving.abort(new Error("the service is to leave"));
    this.#bell.stir();
  }

  /**
   * Does what an operator asks for.
   *
   * @throws {Failure} As `createOperator`; `profile-held` while the service cannot be opened.
   */
  async operate(request: OperatorRequest, progress: (text: string) => void): Promise<OperatorAnswer> {
    // What is asked of a deployer that is being exchanged would run beside the new one, or be forgotten with it.
    while (this.#exchanging !== null) await this.#exchanging;
    if (this.#open === null) {
      if (request.command === "poll") this.#bell.ring();
      const hindrance = this.#hindrance;
      throw new Failure("profile-held", {
        what: this.name,
        why: hindrance === null
          ? "hail has not got hold of its profile yet"
          : `hail cannot keep it yet: ${hindrance.message}`,
        next: hindrance?.next ?? "Look into the log for the reason, and say it again later.",
      });
    }
    const { deployer } = this.#open;
    const operator = createOperator({
      deployer,
      bell: this.#bell,
      stop: this.#ports.stop,
      tee: this.#tee,
      polls: this.#polls ? "now" : "later",
    });
    return await operator(request, progress);
  }

  /**
   * Takes the profile's lock and opens the state.
   *
   * @param wait Whether to wait for a profile that another hail holds.
   * @throws As `OpenService.open`; the reason of `stop.gently` while it waits.
   */
  async open(wait: boolean): Promise<void> {
    const { order, report } = this.#ports;
    const onHeld = (failure: Failure) => {
      // Whoever holds it keeps it, too; those after it are not to wait for the end of that.
      order.noteStarted(this);
      this.#hindrance = failure;
      this.#note(failure, 1, null);
      const message = `${failure.message}. It is kept as soon as that one has ended.`;
      report({ ...failureEvent(failure), level: "warning", message });
    };
    const inOrder = (gates: Gates) => this.#inOrder(gates);
    this.#open = await this.#whileKept((signal) =>
      OpenService.open(this.#settings, this.#ports, inOrder, wait ? { onHeld, signal } : undefined)
    );
  }

  /** The gates, with the order of the services before them: that of the configuration, whatever is in force here. */
  #inOrder(gates: Gates): Gates {
    const { order } = this.#ports;
    return {
      limit: gates.limit,
      ask: async (question, signal) =>
        order.ask(this, question, (closed) => void this.#hearOfOrder(closed)) ??
          await gates.ask(question, signal),
    };
  }

  /** A service before this one has moved on. Polls where none is to be waited for any more: at once, unless that goes on and on. */
  async #hearOfOrder(closed: Closed | null): Promise<void> {
    if (closed !== null) return this.#open?.noteOrder(closed);
    const { clock } = this.#ports.shared;
    const now = clock.monotonic();
    const wait = this.#inOrderPace.wait(AFTER, now);
    this.#inOrderPace.take(AFTER, now);
    if (wait > 0) await this.#whileKept((over) => clock.sleep(wait, over));
    this.#bell.ring();
  }

  /**
   * Keeps the service until hail is told to stop, or it is to leave. Whatever fails is reported, and tried again.
   *
   * @returns Whether it was made to leave.
   */
  async run(): Promise<boolean> {
    const { stop } = this.#ports;
    for (let failures = 1; !this.#isOver; failures++) {
      try {
        if (this.#open === null) await this.#openInTheEnd();
        if (this.#open !== null) await this.#keep(this.#open);
      } catch (error) {
        if (this.#isOver) break;
        // Nobody has foreseen it. Without another try the service would not be kept any more, in silence.
        await this.close();
        await this.#pauseAfter(error, failures);
      }
    }
    await this.close();
    this.#ports.hindrances?.forget(this.#settings.profile);
    return this.#leaving.signal.aborted && !stop.gently.aborted;
  }

  /**
   * Does once what there is to do.
   *
   * @returns The exit status, as EXIT_STATUS documents it.
   */
  async runOnce(): Promise<number> {
    const { stop, report } = this.#ports;
    if (this.#open === null) throw new Error("the service is not open");
    const { deployer } = this.#open;
    await deployer.start(stop);
    return await runOnce({ deployer, stop, report });
  }

  /** Opens the service, however long it takes. It gives up when hail stops or the service is to leave. */
  async #openInTheEnd(): Promise<void> {
    const { profile } = this.#settings;
    try {
      for (let failures = 1; !this.#isOver; failures++) {
        this.#settings = this.#next ?? this.#settings;
        try {
          await this.#ports.prepare(this.#settings);
          // To open it now would make a state of a service that has left.
          if (this.#isOver) return;
          // What was prepared may not be what the new settings need.
          if (this.#next !== null) continue;
          return await this.open(true);
        } catch (error) {
          if (this.#isOver) return;
          this.#hindrance = error instanceof Failure ? error : null;
          if (this.#hindrance === null) this.#ports.hindrances?.forget(profile);
          await this.#pauseAfter(error, failures);
        }
      }
    } finally {
      this.#hindrance = null;
      this.#ports.hindrances?.forget(profile);
    }
  }

  /** Shows operators what keeps the service from being kept as the configuration says. */
  #note(failure: Failure, failures: number, retryAt: number | null): void {
    this.#ports.hindrances?.note(this.settings, { failure, failures, retryAt });
  }

  /** Says what has failed, and waits; the others need not wait for this service at the start. */
  async #pauseAfter(error: unknown, failures: number): Promise<void> {
    const { report, order, shared: { clock }, stop } = this.#ports;
    order.noteStarted(this);
    const delay = nextDelay({ failures, period: OPEN_PERIOD, random: Math.random() });
    report(failureEvent(error, { failures, retry_in_ms: Math.round(delay) }));
    if (error instanceof Failure) this.#note(error, failures, clock.now() + delay);
    await waitFor(delay, {
      clock,
      stop: stop.gently,
      bell: this.#bell,
      leaves: () => this.#isOver || this.#next !== null,
    });
  }

  async #keep(open: OpenService): Promise<void> {
    const { stop, order, shared, report } = this.#ports;
    await this.#whileKept((over) =>
      waitForOthers({
        ...{ service: this, order, clock: shared.clock, bell: this.#bell, over },
        letsPass: () => open.deployer.letsPass,
        tell: (other) => this.#showWait(other),
      })
    );
    if (this.#isOver) return;
    await open.deployer.start(stop);
    this.#polls = true;
    order.noteStarted(this);
    let plan: Plan | null = null;
    while (!this.#isOver) {
      const next = this.#next;
      if (next !== null) {
        const unwell = open.deployer.failures > 0 || open.record.state === "failed";
        const before = this.#settings;
        await open.atRest(() =>
          this.#exchanging = this.#exchange(open, next).finally(() => {
            this.#exchanging = null;
          })
        );
        if (plan !== null && this.#settings === next) {
          plan = replanned(plan, { before, next, unwell }, shared.clock);
        }
      }
      const { period, profile, hostNumberFile } = this.#settings;
      const number = await shared.hostNumbers.read(hostNumberFile, report);
      const host = { machineId: await shared.machineId(), number };
      plan = await runLoop({
        deployer: this.#observed(open),
        clock: shared.clock,
        random: Math.random,
        stages: open.stages,
        report,
        stop,
        bell: this.#bell,
        leaves: () => this.#isOver || this.#next !== null,
        plan,
      }, { period, phase: await phaseOf(host, profile, period) });
    }
  }

  /** Shows operators that it waits for the start of another one; null where it does not any more. */
  #showWait(other: string | null): void {
    const { report, hindrances } = this.#ports;
    if (other === null) return hindrances?.forget(this.#settings.profile);
    const why = `it waits until ${other} has started, which it comes after`;
    report({ name: "waits-for-start", level: "info", message: why, fields: { after: other } });
    const next = "It goes on by itself then, or at `hail poll --past-gates`.";
    this.#note(new Failure("gate-closed", { what: this.name, why, next }), 1, null);
  }

  /** Lets those that come after this service know of each pass. */
  #observed({ deployer }: OpenService) {
    const { order, stop, shared: { clock } } = this.#ports;
    const notePass = (begunAt: number | null) => order.notePass(this, begunAt);
    return {
      get failures() {
        return deployer.failures;
      },
      planned: (at: number) => deployer.planned(at),
      async pass(_stop: Stop, woken?: boolean): Promise<PassResult> {
        const begun = clock.now();
        let looked = false;
        try {
          const result = await deployer.pass(stop, woken);
          looked = true;
          return result;
        } finally {
          // One that cannot look is waited for a while, but not for ever.
          notePass(looked || deployer.failures >= HOPELESS ? begun : null);
        }
      },
    };
  }

  /** Puts new settings into force. Where they cannot be, the old ones stay, and it is tried again. */
  async #exchange(open: OpenService, next: ServiceSettings): Promise<void> {
    const { report, hindrances, shared: { clock } } = this.#ports;
    try {
      await open.exchange(next);
      this.#settings = next;
      this.#refusals = 0;
      hindrances?.forget(next.profile);
      report({ name: "reload", level: "info", message: "its new settings are in force" });
    } catch (error) {
      const failures = ++this.#refusals;
      const delay = nextDelay({ failures, period: OPEN_PERIOD, random: Math.random() });
      this.#refused = next;
      void this.#retry(delay);
      if (error instanceof Failure) this.#note(error, failures, clock.now() + delay);
      report({
        ...failureEvent(error, { failures, retry_in_ms: Math.round(delay) }),
        message: `its new settings cannot be used, the old ones stay in force: ${
          error instanceof Failure ? `${error.message}. ${error.next}` : String(error)
        }`,
      });
    }
  }

  /** Tries refused settings again after a while, unless something else is done about them before. */
  async #retry(delay: number): Promise<void> {
    const { stop, shared: { clock } } = this.#ports;
    const { signal } = this.#retrying = new AbortController();
    using over = anySignal(stop.gently, this.#leaving.signal, signal);
    await clock.sleep(delay, over.signal);
    if (!signal.aborted) this.tryAgain();
  }

  /** Waits for something with a signal that is aborted when hail stops, or the service is to leave. */
  async #whileKept<T>(wait: (over: AbortSignal) => Promise<T>): Promise<T> {
    using over = anySignal(this.#ports.stop.gently, this.#leaving.signal);
    return await wait(over.signal);
  }

  /** Whether hail stops, or the service is to leave. */
  get #isOver(): boolean {
    return this.#ports.stop.gently.aborted || this.#leaving.signal.aborted;
  }

  /** Waits for what is under way, closes the state and gives the profile back. */
  async close(): Promise<void> {
    await this.#open?.atRest(() => {
      const open = this.#open;
      this.#open = null;
      this.#polls = false;
      open?.close();
    });
  }
}
