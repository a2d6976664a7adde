/** How much an event matters. The names are those of `--log-level`, least severe first. */
export const LEVELS = ["debug", "info", "warning", "error"] as const;

/** One of {@linkcode LEVELS}. */
export type Level = (typeof LEVELS)[number];

/** The values that an event may carry: what JSON can say on one line. */
export type Field = string | number | boolean | null;

/** Something that happened and that an operator may want to know. */
export interface Event {
  /** A stable name, in JSON logs the field `event`: `poll`, `realise`, `switch`, `activate`, ... */
  readonly name: string;
  readonly level: Level;
  /** One sentence for a human reader, complete without the fields. */
  readonly message: string;
  /** Facts for a machine, by stable names in lower case with underscores. Never a secret. */
  readonly fields?: Readonly<Record<string, Field>>;
  /** The service that it is about, where the hail that tells of it keeps several. */
  readonly service?: string;
}

/**
 * Where events go. It never throws, and it returns when the event is written: a log whose reader has stopped reading
 * holds up whoever reports.
 */
export type Report = (event: Event) => void;
