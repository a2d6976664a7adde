const encoder = new TextEncoder();

/** Tells what happens, on standard output. */
export class Narrator {
  #steps = 0;

  /** Begins a numbered step. */
  step(title: string): void {
    this.#write(`\n${++this.#steps}. ${title}\n`);
  }

  /** Explains. */
  say(...lines: readonly string[]): void {
    for (const line of lines) this.#write(`   ${line}\n`);
  }

  /** Shows what a user would type. */
  command(...lines: readonly string[]): void {
    this.say(...lines.map((line, index) => `${index === 0 ? "$" : " "} ${line}`));
  }

  /** Shows a line that a program has written. */
  quote(line: string): void {
    this.#write(`      | ${line}\n`);
  }

  /** Says something outside of the steps. */
  plain(text: string): void {
    this.#write(`${text}\n`);
  }

  /** A reader that has gone away is no reason to leave things behind. */
  #write(text: string): void {
    const bytes = encoder.encode(text);
    try {
      for (let written = 0; written < bytes.length;) {
        written += Deno.stdout.writeSync(bytes.subarray(written));
      }
    } catch {
      // There is nowhere left to say so.
    }
  }
}
