/** Wakes a sleeping loop; a ring while the loop is busy is kept until it would sleep. */
export class Bell {
  #rung = false;
  #listener: (() => void) | null = null;

  /** Asks for the next poll to be now. */
  ring() {
    this.#rung = true;
    this.#listener?.();
  }

  /**
   * Takes note of the next ring, or of one that was not heard yet.
   *
   * @returns Stops listening, and forgets a ring that was heard.
   */
  listen(listener: () => void): () => void {
    this.#listener = listener;
    if (this.#rung) listener();
    return () => {
      this.#listener = null;
      this.#rung = false;
    };
  }
}
