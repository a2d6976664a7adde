/** Wakes a sleeping loop: for a poll, or only so that it looks about. */
export class Bell {
  #rung = false;
  #listener: (() => void) | null = null;

  /** Asks for the next poll to be now. While nobody listens, that is kept. */
  ring() {
    this.#rung = true;
    this.#listener?.();
  }

  /** Wakes whoever listens, without a poll. While nobody listens, that is lost. */
  stir() {
    this.#listener?.();
  }

  /** Whether there was a ring that nobody has heard; it is forgotten then. */
  take(): boolean {
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }

  /**
   * Calls the listener at the next ring, or at once for one that was not heard yet, and whenever somebody stirs.
   *
   * @returns Stops listening. The result tells whether there was a ring, which is forgotten then.
   */
  listen(listener: () => void): () => boolean {
    this.#listener = listener;
    if (this.#rung) listener();
    return () => {
      this.#listener = null;
      return this.take();
    };
  }
}
