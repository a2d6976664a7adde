import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import type { Deployer, PassResult } from "../deployment/deployer.ts";
import type { Gates, Stop } from "../deployment/ports.ts";
import type { ServiceRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { type OpenJournal, openJournal } from "../journal/open.ts";
import type { Connection } from "../hydra/connection.ts";
import { lockProfile, type ProfileLock } from "../nix/profile_lock.ts";
import { storeFolder } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { encodeSettings, storedSettings } from "../settings/stored.ts";
import { nextDelay } from "./backoff.ts";
import { Bell } from "./bell.ts";
import { composeDeployer, composeGates, composeHydra, type Shared } from "./compose.ts";
import { runLoop, runOnce } from "./loop.ts";
import { createOperator, createTee, type Tee } from "./operator.ts";
import type { Order } from "./order.ts";
import { phaseOf } from "./phase.ts";
import type { BoardPlace, StageBoard } from "./stage_board.ts";

/** What a service needs of the hail that keeps it. */
export interface ServicePorts {
  readonly shared: Shared;
  readonly order: Order;
  readonly stop: Stop;
  readonly report: Report;
  /** The folder of the state databases, and the group that may read them. */
  readonly folder: string;
  readonly gid: number | null;
  /** The agent's configuration file; null for a hail of the classic command line. */
  readonly config: string | null;
  readonly board: StageBoard;
  /** Called before each try to open it. What it throws is treated like what the opening throws. */
  readonly prepare: (settings: ServiceSettings) => Promise<void>;
  /** How long what costs nothing to lose may wait to be written, in milliseconds. */
  readonly lazyLimit: () => number;
}

/** How often an agent tries again to open a service that cannot be opened, in milliseconds: at the most. */
const OPEN_PERIOD = 5 * 60_000;

/** What is there while a service is open. */
interface Opened {
  readonly lock: ProfileLock;
  readonly journal: OpenJournal;
}

/** What follows from the settings, and is made anew with them. */
interface Composed {
  readonly deployer: Deployer;
  readonly connection: Connection;
  readonly stages: BoardPlace;
}

/**
 * One service of a hail, from the taking of its profile's lock to its release: at rest, its settings can be exchanged, or it
 * can be made to leave, and nothing of what is under way is disturbed by that.
 */
export class Service {
  readonly #ports: ServicePorts;
  readonly #tee: Tee;
  readonly #bell = new Bell();
  #settings: ServiceSettings;
  #opened: Opened | null = null;
  #composed: Composed | null = null;
  /** Settings that come into force as soon as nothing is under way. */
  #next: ServiceSettings | null = null;
  readonly #leaving = new AbortController();

  constructor(settings: ServiceSettings, ports: ServicePorts) {
    this.#settings = settings;
    this.#ports = ports;
    // Events of a classic hail speak of its only service.
    this.#tee = createTee((event) =>
      ports.report(ports.config === null ? event : { ...event, service: this.name })
    );
    ports.order.enter(this.name, this);
  }

  /** The settings that are in force, or are to be as soon as nothing is under way. */
  get settings(): ServiceSettings {
    return this.#next ?? this.#settings;
  }

  get name(): string {
    return this.#settings.name;
  }

  /** What hail remembers of it; null while its state is not open. */
  record(): ServiceRecord | null {
    return this.#opened?.journal.record ?? null;
  }

  /** Asks for a poll now. */
  poll(): void {
    this.#bell.ring();
  }

  /** Writes down what waits to be written. */
  flush(): void {
    this.#opened?.journal.flush();
  }

  /** Exchanges the settings, at once or after what is under way. The profile stays the same. */
  reconfigure(settings: ServiceSettings): void {
    this.#next = settings;
    this.#bell.ring();
  }

  /** Makes {@linkcode Service.run} end as soon as nothing is under way. */
  leave(): void {
    this.#leaving.abort(new Error("the service is to leave"));
    this.#bell.ring();
  }

  /**
   * Does what an operator asks for.
   *
   * @throws {Failure} As `createOperator`; `profile-held` while the service cannot be opened.
   */
  async operate(request: OperatorRequest, progress: (text: string) => void): Promise<OperatorAnswer> {
    const composed = this.#composed;
    if (composed === null) {
      throw new Failure("profile-held", {
        what: this.name,
        why: "hail has not got hold of its profile yet",
        next: "Look into the log for the reason, and say it again later.",
      });
    }
    const { stop } = this.#ports;
    return await createOperator({ deployer: composed.deployer, bell: this.#bell, stop, tee: this.#tee })(
      request,
      progress,
    );
  }

  /**
   * Takes the profile's lock and opens the state.
   *
   * @param wait Whether to wait for a profile that another hail holds.
   * @throws {Failure} What keeps it from beginning: an unusable netrc or certificate file, or a state of a newer hail (exit
   * status 2), a folder that cannot be written (13), another hail on the profile (15).
   * @throws The reason of `stop.gently`, while it waits.
   */
  async open(wait: boolean): Promise<void> {
    const { shared, folder, gid, config, stop, lazyLimit } = this.#ports;
    const { report } = this.#tee;
    const { profile, jobUri } = this.#settings;
    // First what costs nothing to take back.
    const client = await composeHydra(this.#settings, shared, report);
    const store = storeFolder(shared.env);
    let lock: ProfileLock | null = null;
    let journal: OpenJournal | null = null;
    try {
      const onHeld = (failure: Failure) =>
        report({
          ...failureEvent(failure),
          level: "warning",
          message: `${failure.message}. It is kept as soon as that one has ended.`,
        });
      const signal = AbortSignal.any([stop.gently, this.#leaving.signal]);
      lock = await lockProfile(profile, store, wait ? { onHeld, signal } : undefined);
      journal = openJournal({
        folder,
        profile,
        jobUri: jobUri.text,
        settings: encodeSettings(storedSettings(this.#settings, config)),
        gid,
        storeFolder: store,
        now: Date.now,
        report,
        idleClose: config !== null,
        lazyLimit: lazyLimit(),
      });
      this.#composed = await this.#compose(client, journal);
      this.#opened = { lock, journal };
    } catch (error) {
      client.connection.close();
      journal?.close();
      lock?.release();
      throw error;
    }
  }

  async #compose(
    { hydra, connection }: Awaited<ReturnType<typeof composeHydra>>,
    journal: OpenJournal,
  ): Promise<Composed> {
    const { shared, board } = this.#ports;
    const { report } = this.#tee;
    const settings = this.#settings;
    const gates = this.#inOrder(composeGates(settings, hydra.evaluations, report, shared));
    const stages = board.of(this.name, () => journal.record.state);
    try {
      const deployer = await composeDeployer(settings, { hydra, journal, stages, gates, report }, shared);
      return { deployer, connection, stages };
    } catch (error) {
      stages.leave();
      throw error;
    }
  }

  /** The gates, with the order of the services before them. */
  #inOrder(gates: Gates): Gates {
    const { after, name } = this.#settings;
    if (after.length === 0) return gates;
    const { order } = this.#ports;
    return {
      limit: gates.limit,
      ask: async (question, signal) =>
        order.ask(name, after, question, () => this.#bell.ring()) ?? await gates.ask(question, signal),
    };
  }

  /**
   * Keeps the service until hail is told to stop, or it is to leave. Whatever fails is reported, and tried again.
   *
   * @returns Whether it was made to leave.
   */
  async run(): Promise<boolean> {
    const { stop, order } = this.#ports;
    try {
      if (this.#composed === null) await this.#openInTheEnd();
      if (this.#composed !== null) await this.#keep();
    } catch (error) {
      if (!stop.gently.aborted) this.#tee.report(failureEvent(error));
    } finally {
      await this.close();
      order.leave(this.name, this);
    }
    return this.#leaving.signal.aborted && !stop.gently.aborted;
  }

  /**
   * Does once what there is to do.
   *
   * @returns The exit status, as EXIT_STATUS documents it.
   */
  async runOnce(): Promise<number> {
    const { stop } = this.#ports;
    if (this.#composed === null) throw new Error("the service is not open");
    const { deployer } = this.#composed;
    await deployer.start(stop);
    return await runOnce({ deployer, stop, report: this.#tee.report });
  }

  /** Opens the service, however long it takes. It gives up when hail stops or the service is to leave. */
  async #openInTheEnd(): Promise<void> {
    const { shared: { clock }, order } = this.#ports;
    for (let failures = 1; !this.#isOver; failures++) {
      this.#takeNext();
      try {
        await this.#ports.prepare(this.#settings);
        return await this.open(true);
      } catch (error) {
        if (this.#isOver) return;
        // The others need not wait for it at the start.
        order.noteStarted(this.name);
        const delay = nextDelay({ failures, period: OPEN_PERIOD, random: Math.random() });
        this.#tee.report(failureEvent(error, { failures, retry_in_ms: Math.round(delay) }));
        await this.#sleep(delay, clock);
      }
    }
  }

  async #keep(): Promise<void> {
    const { stop, order, shared } = this.#ports;
    await order.waitForStart(this.#settings.after, AbortSignal.any([stop.gently, this.#leaving.signal]));
    if (this.#isOver) return;
    await this.#composed?.deployer.start(stop);
    order.noteStarted(this.name);
    while (!this.#isOver) {
      if (this.#next !== null) await this.#exchange();
      if (this.#composed === null || this.#opened === null) return;
      const { period, profile } = this.#settings;
      await runLoop({
        deployer: this.#observed(this.#composed.deployer),
        clock: shared.clock,
        random: Math.random,
        stages: this.#composed.stages,
        report: this.#tee.report,
        stop,
        bell: this.#bell,
        leaves: () => this.#isOver || this.#next !== null,
      }, { period, phase: await phaseOf(await shared.machineId(), profile, period) });
      // An operator's roll-back may be under way while the loop sleeps.
      await this.#composed.deployer.idle();
    }
  }

  /** Lets those that come after this service know of each pass. */
  #observed(deployer: Deployer) {
    const { order, stop, shared: { clock } } = this.#ports;
    const name = this.name;
    return {
      get failures() {
        return deployer.failures;
      },
      planned: (at: number) => deployer.planned(at),
      async pass(_stop: Stop, woken?: boolean): Promise<PassResult> {
        try {
          return await deployer.pass(stop, woken);
        } finally {
          order.notePass(name, clock.now());
        }
      },
    };
  }

  /** Puts new settings into force. Where they cannot be, the old ones stay. */
  async #exchange(): Promise<void> {
    const { shared, config } = this.#ports;
    const before = this.#settings;
    const { report } = this.#tee;
    const journal = this.#opened?.journal;
    if (journal === undefined || !this.#takeNext()) return;
    let client;
    try {
      client = await composeHydra(this.#settings, shared, report);
      const composed = await this.#compose(client, journal);
      this.#letGo();
      this.#composed = composed;
      journal.setOwner({
        jobUri: this.#settings.jobUri.text,
        settings: encodeSettings(storedSettings(this.#settings, config)),
      });
      report({ name: "reload", level: "info", message: "its new settings are in force" });
    } catch (error) {
      client?.connection.close();
      this.#rename(before);
      report({
        ...failureEvent(error),
        message: `its new settings cannot be used, the old ones stay in force: ${
          error instanceof Failure ? `${error.message}. ${error.next}` : String(error)
        }`,
      });
    }
  }

  #takeNext(): boolean {
    if (this.#next === null) return false;
    this.#rename(this.#next);
    this.#next = null;
    return true;
  }

  /** Takes over settings, under another name where that is another. */
  #rename(settings: ServiceSettings): void {
    const { order } = this.#ports;
    const before = this.name;
    this.#settings = settings;
    if (before === this.name) return;
    order.leave(before, this);
    order.enter(this.name, this);
    order.noteStarted(this.name);
  }

  /** Whether hail stops, or the service is to leave. */
  get #isOver(): boolean {
    return this.#ports.stop.gently.aborted || this.#leaving.signal.aborted;
  }

  async #sleep(delay: number, clock: Shared["clock"]): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    const { gently } = this.#ports.stop;
    gently.addEventListener("abort", wake, { once: true });
    const forget = this.#bell.listen(wake);
    if (gently.aborted) wake();
    await clock.sleep(delay, woken.signal);
    forget();
    gently.removeEventListener("abort", wake);
  }

  /** Waits for what is under way, closes the state and gives the profile back. */
  async close(): Promise<void> {
    await this.#composed?.deployer.idle();
    this.#letGo();
    this.#composed = null;
    this.#opened?.journal.close();
    this.#opened?.lock.release();
    this.#opened = null;
  }

  #letGo(): void {
    this.#composed?.connection.close();
    this.#composed?.stages.leave();
  }
}
