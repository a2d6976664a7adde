import {
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getTextFormatter,
  type LogRecord,
} from "@logtape/logtape";
import { type Event, type Level, LEVELS, type Report } from "./event.ts";
import { sanitise } from "./sanitise.ts";

/** The shapes that a log can have: the values of `--log-format`. */
export const LOG_FORMATS = ["text", "json"] as const;

/** One of {@linkcode LOG_FORMATS}. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Where a text log is read, which decides what stands before each message. */
export type LogReader =
  /** The systemd journal: a priority prefix (sd-daemon(3)), and no time, since the journal keeps its own. */
  | "journal"
  /** A person at a terminal: the time of day and colours. */
  | "terminal"
  /** A person at a terminal that is to have no colours (NO_COLOR). */
  | "plain-terminal"
  /** A file or a pipe: date and time. */
  | "file";

/** How a log is written. */
export interface LogOptions {
  readonly format: LogFormat;
  /** Events below this level are left out. */
  readonly level: Level;
  readonly reader: LogReader;
  /** The wall clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** Takes one line, with its line feed. */
  readonly write: (line: string) => void;
}

// Priorities of syslog(3), as sd-daemon(3) puts them before a line.
const PRIORITY: Record<Level, string> = { debug: "<7>", info: "<6>", warning: "<4>", error: "<3>" };

// A message is at most this long: journald splits a longer line into several.
const MESSAGE_LIMIT = 16_384;

/**
 * Makes the log: every event becomes one line.
 *
 * A JSON line has the fields `@timestamp` (RFC 3339, UTC), `level` (DEBUG, INFO, WARN, ERROR), `message`, `logger`
 * (always `hail`), `event` (the event's name), `service` (in a hail that keeps several), and the event's own fields. In a
 * line of text the service stands before the message.
 */
export function createLog({ format, level, reader, now, write }: LogOptions): Report {
  const render = format === "json" ? getJsonLinesFormatter({ properties: "flatten" }) : textFormatter(reader);
  const least = LEVELS.indexOf(level);
  return (event) => {
    if (LEVELS.indexOf(event.level) < least) return;
    const line = render(toRecord(event, format, now()));
    write(format === "text" && reader === "journal" ? PRIORITY[event.level] + line : line);
  };
}

function textFormatter(reader: LogReader): (record: LogRecord) => string {
  // Information needs no label; what is out of order has one.
  const label = (level: LogRecord["level"]) => level === "info" ? "" : `${level}: `;
  switch (reader) {
    case "journal":
      return getTextFormatter({ timestamp: "none", format: ({ message }) => message });
    case "terminal":
      return getAnsiColorFormatter({
        timestamp: "time",
        level: label,
        levelStyle: "bold",
        format: ({ timestamp, level, message }) => `${timestamp} ${level}${message}`,
      });
    case "plain-terminal":
    case "file":
      return getTextFormatter({
        timestamp: reader === "file" ? "rfc3339" : "time",
        level: label,
        format: ({ timestamp, level, message }) => `${timestamp} ${level}${message}`,
      });
  }
}

function toRecord(event: Event, format: LogFormat, timestamp: number): LogRecord {
  const { service } = event;
  const named = format === "text" && service !== undefined ? `${service}: ${event.message}` : event.message;
  const message = sanitise(named, MESSAGE_LIMIT);
  const fields = Object.entries(event.fields ?? {}).map((
    [name, value],
  ) => [name, typeof value === "string" ? sanitise(value, MESSAGE_LIMIT) : value]);
  return {
    category: ["hail"],
    level: event.level,
    message: [message],
    rawMessage: message,
    timestamp,
    properties: {
      event: event.name,
      ...(service === undefined ? {} : { service: sanitise(service) }),
      ...Object.fromEntries(fields),
    },
  };
}
