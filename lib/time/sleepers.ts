/** Whoever sleeps on a {@link VirtualClock}. */
export interface Sleeper {
  /** When it wakes. */
  readonly at: number;
  readonly wake: () => void;
}

interface Entry extends Sleeper {
  /** Counts those that went to sleep. */
  readonly order: number;
  /** Its index in the heap. */
  place: number;
}

/**
 * Sleepers in the order in which they wake; of those that wake together, the first that went to sleep comes first. A binary
 * heap, so that tens of thousands may sleep.
 */
export class Sleepers {
  readonly #heap: Entry[] = [];
  #orders = 0;

  /** The first to wake. */
  get first(): Sleeper | undefined {
    return this.#heap[0];
  }

  /** All of them, the first to wake first. */
  all(): readonly Sleeper[] {
    return this.#heap.toSorted((one, other) => isBefore(one, other) ? -1 : 1);
  }

  /**
   * Adds one.
   *
   * @returns Removes it again; it may have been removed before.
   */
  add(sleeper: Sleeper): () => void {
    const entry: Entry = { ...sleeper, order: this.#orders++, place: this.#heap.length };
    this.#heap.push(entry);
    this.#rise(entry);
    return () => this.#remove(entry);
  }

  #remove(entry: Entry) {
    if (this.#heap[entry.place] !== entry) return;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#put(last, entry.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(entry: Entry) {
    while (entry.place > 0) {
      const above = this.#heap[(entry.place - 1) >> 1];
      if (above === undefined || !isBefore(entry, above)) return;
      this.#exchange(entry, above);
    }
  }

  #sink(entry: Entry) {
    for (;;) {
      const left = this.#heap[2 * entry.place + 1];
      const right = this.#heap[2 * entry.place + 2];
      const below = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (below === undefined || !isBefore(below, entry)) return;
      this.#exchange(entry, below);
    }
  }

  #exchange(one: Entry, other: Entry) {
    const { place } = one;
    this.#put(one, other.place);
    this.#put(other, place);
  }

  #put(entry: Entry, place: number) {
    entry.place = place;
    this.#heap[place] = entry;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
