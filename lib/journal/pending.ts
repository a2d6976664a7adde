import type { Advance, Deployment, Transition } from "../deployment/record.ts";
import type { Stamp } from "./words.ts";

/** How many transitions, and how many deployments, wait in memory while the database cannot be written. */
const PENDING_MAX = 1_000;

/** What waits to be written. */
export class Pending {
  readonly #transitions: Transition[] = [];
  readonly #deployments = new Map<number, Deployment>();
  #lost = 0;
  /** A commit of which it is not known whether it was done, and how many transitions were in it. */
  #inDoubt: { readonly stamp: Stamp; readonly transitions: number } | null = null;

  /** The oldest first. */
  get transitions(): readonly Transition[] {
    return this.#transitions;
  }

  get deployments(): readonly Deployment[] {
    return [...this.#deployments.values()];
  }

  /** How many transitions were given up, since too many waited. */
  get lost(): number {
    return this.#lost;
  }

  add({ transition, deployments }: Pick<Advance, "transition" | "deployments">): void {
    this.#transitions.push(transition);
    for (const deployment of deployments) this.addDeployment(deployment);
  }

  addDeployment(deployment: Deployment): void {
    this.#deployments.set(deployment.id, deployment);
  }

  /** Everything that waits is about to be written with a commit of this stamp. */
  attempt(stamp: Stamp): void {
    this.#inDoubt = { stamp, transitions: this.#transitions.length };
  }

  /**
   * Whether a database holds the commit that was attempted last: SQLite has reported an error, but it was done. What was in
   * it waits no longer.
   */
  wasDone(stamp: Stamp): boolean {
    if (this.#inDoubt === null || !isSame(stamp, this.#inDoubt.stamp)) return false;
    this.#transitions.splice(0, this.#inDoubt.transitions);
    this.#inDoubt = null;
    return true;
  }

  /** Gives up the oldest, so that a disk that stays full does not fill the memory. */
  limit(): void {
    const surplus = this.#transitions.splice(0, Math.max(0, this.#transitions.length - PENDING_MAX)).length;
    this.#lost += surplus;
    if (this.#inDoubt !== null) {
      const { stamp, transitions } = this.#inDoubt;
      this.#inDoubt = { stamp, transitions: Math.max(0, transitions - surplus) };
    }
    const ids = [...this.#deployments.keys()].toSorted((a, b) => a - b);
    for (const id of ids.slice(0, -PENDING_MAX)) this.#deployments.delete(id);
  }

  /** Everything was written. */
  clear(): void {
    this.#transitions.length = 0;
    this.#deployments.clear();
    this.#lost = 0;
    this.#inDoubt = null;
  }
}

/** Whether two stamps are of the same commit. */
export function isSame(one: Stamp | null, other: Stamp | null): boolean {
  return one !== null && one.writer === other?.writer && one.revision === other.revision;
}
