import type { Failure } from "../failure/failure.ts";
import { type Hindrance, writeHindrances } from "../journal/hindrances.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import type { ServiceSettings } from "../settings/service.ts";
import type { Clock } from "../time/clock.ts";

/** How long changes are gathered until they are written, in milliseconds: at a start a thousand services may come to nothing. */
const DELAY = 250;

/** Shows operators which services cannot be kept as the configuration says, and why. */
export class Hindrances {
  readonly #folder: string;
  readonly #gid: number | null;
  readonly #clock: Clock;
  readonly #all = new Map<ProfilePath, Hindrance>();
  readonly #closing = new AbortController();
  #writing: Promise<void> | null = null;
  #begun = false;

  /**
   * @param folder The state folder.
   * @param gid The group that may see it; null for none.
   */
  constructor(folder: string, gid: number | null, clock: Clock) {
    this.#folder = folder;
    this.#gid = gid;
    this.#clock = clock;
  }

  /** From now on the file is this process's: what another one has left in it goes. */
  begin(): void {
    this.#begun = true;
    writeHindrances(this.#folder, this.#gid, []);
  }

  /** A service cannot be kept. It is tried again at that moment of the wall clock; null for when another hail has ended. */
  note(
    { name, profile, jobUri }: ServiceSettings,
    { failure, failures, retryAt }: {
      readonly failure: Failure;
      readonly failures: number;
      readonly retryAt: number | null;
    },
  ): void {
    const { code, message, next } = failure;
    const at = this.#clock.now();
    const due = retryAt === null ? null : Math.round(retryAt);
    const service = { name, profile, jobUri: jobUri.text, failures, retryAt: due };
    this.#all.set(profile, { ...service, failure: { at, code, message, next } });
    this.#write();
  }

  /** It is kept by now, or is not to be any more. */
  forget(profile: ProfilePath): void {
    if (this.#all.delete(profile)) this.#write();
  }

  /** Takes the file away. */
  async close(): Promise<void> {
    if (!this.#begun) return;
    this.#all.clear();
    this.#closing.abort();
    await this.#writing;
    writeHindrances(this.#folder, this.#gid, []);
  }

  #write(): void {
    this.#writing ??= this.#clock.sleep(DELAY, this.#closing.signal).then(() => {
      this.#writing = null;
      writeHindrances(this.#folder, this.#gid, [...this.#all.values()]);
    });
  }
}
