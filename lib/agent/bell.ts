/** Wakes a sleeping loop: for a poll, or only so that it looks about. */
export class Bell {
  #rung = false;
  #listener: { readonly ring: () => void; readonly stir: () => void } | null = null;

  /** Asks for the next poll to be now. While nobody listens, that is kept. */
  ring() {
    this.#rung = true;
    this.#listener?.ring();
  }

  /** Lets whoever listens look whether there is something else to do. While nobody listens, that is lost. */
  stir() {
    this.#listener?.stir();
  }

  /** Whether there was a ring that nobody has heard; it is forgotten then. */
  take(): boolean {
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }

  /**
   * Listens to rings, of which one that was not heard yet comes at once, and to stirs.
   *
   * @returns Stops listening. The result tells whether there was a ring, which is forgotten then.
   */
  listen(ring: () => void, stir: () => void): () => boolean {
    this.#listener = { ring, stir };
    if (this.#rung) ring();
    return () => {
      this.#listener = null;
      return this.take();
    };
  }
}
