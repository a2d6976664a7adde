import { readdirSync } from "node:fs";
import { type JournalOptions, type OpenJournal, openJournal } from "../../lib/journal/open.ts";
import { readService } from "../../lib/journal/read.ts";
import type { Event } from "../../lib/report/event.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";
import { stepAfter } from "./journal_samples.ts";

/** A state folder of a test's own, and what the journals in it report. */
export interface JournalWorld extends Disposable {
  /** The state folder. It is not made. */
  readonly folder: string;
  /** Where the database of the journals is. */
  readonly file: string;
  readonly clock: VirtualClock;
  /** Everything that was reported. */
  readonly events: Event[];
  /** The codes of the failures, and the names of the other events, that were reported since it was asked last. */
  news(): unknown[];
  open(more?: Partial<JournalOptions>): OpenJournal;
  /** Takes so many steps. */
  step(journal: OpenJournal, times?: number): void;
  /** The names in the state folder. */
  names(): string[];
  /** What the database holds. No journal may be open. */
  stored(): Pick<ReturnType<typeof readService>, "record" | "settings" | "jobUri" | "profile"> & {
    readonly ids: number[];
    /** Of each transition, the oldest first, its number and the states that it led from and to. */
    readonly chain: (readonly [seq: number, from: string, to: string])[];
  };
}

/** Makes a {@linkcode JournalWorld}; `parent` is where its folder goes. */
export function journalWorld(parent?: string): JournalWorld {
  const temporary = Deno.makeTempDirSync({
    prefix: "hail-journal-",
    ...(parent === undefined ? {} : { dir: parent }),
  });
  const folder = `${temporary}/state`;
  const clock = new VirtualClock();
  const events: Event[] = [];
  const journals: OpenJournal[] = [];
  let told = 0;
  const world: JournalWorld = {
    folder,
    file: `${folder}/web-a18433467ea5.sqlite`,
    clock,
    events,
    news() {
      const news = events.slice(told).map(({ name, fields }) => fields?.["code"] ?? name);
      told = events.length;
      return news;
    },
    open(more = {}) {
      const journal = openJournal({
        folder,
        profile: "/nix/var/nix/profiles/web",
        jobUri: "https://hydra.example.org/job/a/b/c/latest",
        settings: "{}",
        gid: null,
        now: () => clock.now(),
        report: (event) => void events.push(event),
        ...more,
      });
      journals.push(journal);
      return journal;
    },
    step(journal, times = 1) {
      for (let time = 0; time < times; time++) journal.write(stepAfter(journal.record, clock.now()));
    },
    names: () => readdirSync(folder).toSorted(),
    stored() {
      const service = readService(world.file);
      try {
        const { record, settings, jobUri, profile } = service;
        return {
          ...{ record, settings, jobUri, profile },
          ids: service.history(5_000).map(({ id }) => id).toReversed(),
          chain: service.transitions(50_000).map(({ seq, from, to }) => [seq, from, to] as const)
            .toReversed(),
        };
      } finally {
        service.close();
      }
    },
    [Symbol.dispose]() {
      for (const journal of journals) journal.close();
      Deno.removeSync(temporary, { recursive: true });
    },
  };
  return world;
}
