/**
 * A machine for tests: a disk that keeps only what was synced when the power fails, and a systemd that knows only
 * what it has read. Either can be made to die after a number of operations.
 */
import { Failure } from "../../lib/failure/failure.ts";
import type { Disk, DiskEntry } from "../../lib/systemd/disk.ts";
import type { Systemd, UnitStatus, Verb } from "../../lib/systemd/systemctl.ts";

/** What every operation throws once the process is dead. */
export class Killed extends Error {}

type Node =
  | { readonly kind: "file"; readonly text: string }
  | { readonly kind: "link"; readonly to: string }
  | {
    readonly kind: "folder";
  };

interface Unit {
  loaded: string | null;
  running: string | null;
  failed: boolean;
  invocation: string;
  job: Verb | null;
  /** The unit whose job comes before this one's. */
  after: string | null;
}

/** See the module. Paths are those of the machine: `/units` is the unit folder. */
export class FakeMachine {
  /** What a process sees. */
  nodes = new Map<string, Node>();
  /** What is certain to be there after a power cut. */
  #durable = new Map<string, Node>();
  /** Changes of names that may or may not be there after a power cut, in order. */
  #unsynced: { readonly folders: readonly string[]; readonly apply: (nodes: Map<string, Node>) => void }[] =
    [];
  #units = new Map<string, Unit>();
  #invocations = 0;
  #budget = Infinity;
  #locked: Promise<void> = Promise.resolve();
  /** Every change, in order, since {@linkcode FakeMachine.revive}. */
  log: string[] = [];
  /** Unit files with this text do not start. */
  broken = new Set<string>();
  /** Units that stay on their way down. */
  stuck = new Set<string>();
  /**
   * The profiles that a unit with this text keeps. Only one unit can keep a profile: another one does not start without
   * it, unless it is {@linkcode FakeMachine.patient}.
   */
  profiles: (unit: string, text: string) => readonly string[] = () => [];
  /** Units that take what is free of their profiles, and the others as soon as they are free. */
  patient = new Set<string>();
  /** Which unit keeps a profile. */
  keepers = new Map<string, string>();
  /** Called when somebody waits for a job. */
  onFinish: (unit: string) => void | Promise<void> = () => {};

  constructor() {
    for (const folder of ["/", "/units", "/nix", "/nix/var", "/nix/var/nix", "/nix/var/nix/gcroots"]) {
      this.put(folder, { kind: "folder" });
    }
  }

  /** Puts something on the disk for good, by an unseen hand. */
  put(path: string, node: Node) {
    this.nodes.set(path, node);
    this.#durable.set(path, node);
  }

  /** A new process: it dies before its operation number `budget`, counted from zero. */
  revive(budget = Infinity) {
    this.#budget = budget;
    this.log = [];
    this.#locked = Promise.resolve();
  }

  /** systemd does what it was told, whoever is still alive. */
  settle() {
    for (const name of this.#units.keys()) this.#runJob(name);
    for (const [name, { running }] of this.#units) if (running !== null) this.#take(name, running);
  }

  /** Takes the profiles of a unit that are free, and says whether it can do with them. */
  #take(name: string, text: string): boolean {
    const wanted = this.profiles(name, text);
    const mine = wanted.filter((profile) => {
      const keeper = this.keepers.get(profile);
      return keeper === undefined || keeper === name || this.#unit(keeper).running === null;
    });
    for (const profile of mine) this.keepers.set(profile, name);
    return this.patient.has(name) || mine.length === wanted.length;
  }

  /**
   * The power fails, and the machine boots: what is linked from the target starts.
   *
   * @param survives Whether the unsynced change of that number, counted from zero, has reached the disk.
   */
  powerCut(target: string, survives: (index: number) => boolean = () => false) {
    this.#unsynced.filter((_, index) => survives(index)).forEach(({ apply }) => apply(this.#durable));
    this.#unsynced = [];
    // What lies in a folder that is lost is lost with it.
    for (const path of [...this.#durable.keys()].sort()) {
      if (path !== "/" && this.#durable.get(parentOf(path) || "/")?.kind !== "folder") {
        this.#durable.delete(path);
      }
    }
    this.nodes = new Map(this.#durable);
    this.reboot(target);
  }

  /** The machine boots again. */
  reboot(target: string) {
    this.#units.clear();
    this.keepers.clear();
    for (const path of this.nodes.keys()) {
      const name = path.startsWith(`/units/${target}.wants/`) ? path.slice(path.lastIndexOf("/") + 1) : "";
      if (!name.endsWith(".service")) continue;
      if (this.#load(this.#unit(name), name)) this.#start(this.#unit(name), name);
    }
  }

  /** The text that a unit runs with; null if it does not run. */
  running(unit: string): string | null {
    return this.#units.get(unit)?.running ?? null;
  }

  /** The names of all running units. */
  allRunning(): string[] {
    return [...this.#units].filter(([, unit]) => unit.running !== null).map(([name]) => name).sort();
  }

  /** The names of all units that systemd lists as failed. */
  allFailed(): string[] {
    return [...this.#units].filter(([, unit]) => unit.failed).map(([name]) => name).sort();
  }

  invocation(unit: string): string {
    return this.#unit(unit).invocation;
  }

  /** Starts or stops a unit by hand. */
  set(unit: string, state: "up" | "down") {
    const entry = this.#unit(unit);
    if (state === "down") entry.running = null;
    else if (this.#load(entry, unit)) this.#start(entry, unit);
  }

  /** The files and links of a folder, by name. */
  folder(path: string): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [name, node] of this.#children(path)) {
      if (node.kind !== "folder") found[name] = node.kind === "file" ? node.text : `-> ${node.to}`;
    }
    return found;
  }

  #children(path: string): [string, Node][] {
    return [...this.nodes].filter(([other]) =>
      other.startsWith(`${path}/`) && !other.slice(path.length + 1).includes("/")
    ).map(([other, node]) => [other.slice(path.length + 1), node]);
  }

  #change(what: string) {
    if (this.#budget <= 0) throw new Killed();
    this.#budget -= 1;
    this.log.push(what);
  }

  #ask() {
    if (this.#budget <= 0) throw new Killed();
  }

  #unit(name: string): Unit {
    const found = this.#units.get(name) ??
      { loaded: null, running: null, failed: false, invocation: "", job: null, after: null };
    this.#units.set(name, found);
    return found;
  }

  #load(unit: Unit, name: string): boolean {
    const node = this.nodes.get(`/units/${name}`);
    unit.loaded = node?.kind === "file" ? node.text : null;
    return unit.loaded !== null;
  }

  #start(unit: Unit, name: string) {
    if (unit.loaded === null || this.broken.has(unit.loaded) || !this.#take(name, unit.loaded)) {
      unit.failed = true;
      return;
    }
    unit.running = unit.loaded;
    unit.failed = false;
    this.#invocations += 1;
    unit.invocation = String(this.#invocations).padStart(32, "0");
  }

  #enqueue(verb: Verb, name: string, after: string | null = null) {
    const unit = this.#unit(name);
    if (unit.loaded === null && !this.#load(unit, name) && (verb !== "stop" || unit.running === null)) {
      throw new Failure("activation-failed", { what: name, why: "not found", next: "Look." });
    }
    unit.job = verb;
    unit.after = after;
  }

  #runJob(name: string) {
    const unit = this.#unit(name);
    if (unit.job === null || this.stuck.has(name)) return;
    if (unit.after !== null) this.#runJob(unit.after);
    const { job } = unit;
    unit.job = null;
    if (job === "reload-or-restart" && unit.running !== null) {
      unit.running = unit.loaded;
      return;
    }
    if (job !== "start") unit.running = null;
    if (job !== "stop" && unit.running === null) this.#start(unit, name);
    if (unit.running === null) return;
    const kept = this.profiles(name, unit.running);
    for (const [profile, keeper] of this.keepers) {
      if (keeper === name && !kept.includes(profile)) this.keepers.delete(profile);
    }
  }

  readonly disk: Disk = {
    list: (folder) => {
      this.#ask();
      if (this.nodes.get(folder)?.kind !== "folder") return Promise.resolve(null);
      return Promise.resolve(this.#children(folder).map(([name, { kind }]): DiskEntry => ({ name, kind })));
    },
    read: (path) => {
      this.#ask();
      const node = this.nodes.get(path);
      if (node?.kind === "file") return Promise.resolve(node.text);
      return Promise.reject(new Deno.errors.NotFound(path));
    },
    readLink: (path) => {
      this.#ask();
      const node = this.nodes.get(path);
      return node?.kind === "link"
        ? Promise.resolve(node.to)
        : Promise.reject(new Deno.errors.NotFound(path));
    },
    makeFolder: (path) => this.#name(`mkdir ${path}`, [path], (nodes) => nodes.set(path, { kind: "folder" })),
    create: (path, text) => this.#add(`create ${path}`, path, { kind: "file", text }),
    link: (path, to) => this.#add(`link ${path}`, path, { kind: "link", to }),
    rename: (from, to) => {
      const node = this.nodes.get(from);
      if (node === undefined) return Promise.reject(new Deno.errors.NotFound(from));
      return this.#name(`rename ${from} ${to}`, [from, to], (nodes) => {
        nodes.delete(from);
        nodes.set(to, node);
      });
    },
    remove: (path) => {
      if (this.nodes.has(path)) return this.#name(`remove ${path}`, [path], (nodes) => nodes.delete(path));
      this.#ask();
      return Promise.resolve();
    },
    sync: (folder) =>
      this.#write(`sync ${folder}`, () => {
        this.#unsynced = this.#unsynced.filter(({ folders, apply }) => {
          if (!folders.includes(folder)) return true;
          apply(this.#durable);
          return false;
        });
      }),
    lock: async () => {
      this.#ask();
      const before = this.#locked;
      let release = () => {};
      this.#locked = new Promise((resolve) => release = resolve);
      await before;
      return release;
    },
  };

  #add(what: string, path: string, node: Node): Promise<void> {
    if (this.nodes.has(path)) return Promise.reject(new Deno.errors.AlreadyExists(path));
    if (!this.nodes.has(parentOf(path))) return Promise.reject(new Deno.errors.NotFound(path));
    return this.#name(what, [path], (nodes) => nodes.set(path, node));
  }

  /** A change of names: seen at once, and on the disk for good after a sync of one of the folders. */
  #name(what: string, paths: readonly string[], apply: (nodes: Map<string, Node>) => void): Promise<void> {
    return this.#write(what, () => {
      apply(this.nodes);
      this.#unsynced.push({ folders: paths.map(parentOf), apply });
    });
  }

  #write(what: string, work: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#change(what);
      work();
      resolve();
    });
  }

  readonly systemd: Systemd = {
    show: (names) => {
      this.#ask();
      return Promise.resolve(names.map((name): UnitStatus => {
        const unit = this.#unit(name);
        const active = unit.job !== null
          ? "deactivating"
          : unit.running !== null
          ? "active"
          : unit.failed
          ? "failed"
          : "inactive";
        const fragment = this.nodes.has(`/units/${name}`)
          ? `/units/${name}`
          : this.nodes.has(`/lib/${name}`)
          ? `/lib/${name}`
          : "";
        return { active, invocation: unit.invocation, fragment };
      }));
    },
    daemonReload: () =>
      this.#write("daemon-reload", () => {
        for (const [name, unit] of this.#units) this.#load(unit, name);
      }),
    enqueue: (verb, name) => this.#write(`${verb} ${name}`, () => this.#enqueue(verb, name)),
    handOver: (from, to) =>
      this.#write(`hand over from ${from} to ${to.join(", ")}`, () => {
        this.#enqueue("stop", from);
        for (const name of to) this.#enqueue("start", name, from);
      }),
    finish: async (verb, name) => {
      this.#ask();
      await this.onFinish(name);
      const unit = this.#unit(name);
      this.#runJob(name);
      const good = unit.job === null && (verb === "stop" ? unit.running === null : unit.running !== null);
      if (!good) {
        throw new Failure("activation-failed", { what: name, why: `did not ${verb}`, next: "Look." });
      }
    },
    resetFailed: (name) => this.#write(`reset-failed ${name}`, () => this.#unit(name).failed = false),
  };
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/"));
