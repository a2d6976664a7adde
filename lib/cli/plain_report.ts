import type { Report } from "../report/event.ts";

/**
 * A report for a person who waits for a command: each event is a line, those that are out of order with a label, and
 * details are left out.
 *
 * @param tell Takes one line, and makes it fit for a terminal.
 */
export function plainReport(tell: (line: string) => void): Report {
  return ({ level, message, service }) => {
    const text = service === undefined ? message : `${service}: ${message}`;
    if (level !== "debug") tell(level === "info" ? text : `${level}: ${text}`);
  };
}
