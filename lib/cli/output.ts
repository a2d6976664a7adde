import { fstatSync } from "node:fs";
import type { Environment } from "../agent/environment.ts";
import type { LogReader } from "../report/log.ts";
import type { Page } from "./context.ts";

/**
 * Writes to standard output or standard error at once, so that nothing is lost when the process ends. A reader that
 * has gone away, or a full disk behind the log, is no reason to stop working.
 */
export function writeLine(stream: "stdout" | "stderr", text: string) {
  const bytes = new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`);
  const file = Deno[stream];
  try {
    for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
  } catch {
    // There is nowhere left to say so.
  }
}

/** Whether colours are welcome, see no-color.org. */
function coloursAllowed(env: Environment): boolean {
  return (env.get("NO_COLOR") ?? "") === "";
}

/** How wide the terminal is, within what can be read; 80 columns where there is none. */
export function columnsOf(): number {
  if (!Deno.stdout.isTerminal()) return 80;
  try {
    return Math.min(120, Math.max(60, Deno.consoleSize().columns));
  } catch {
    return 80;
  }
}

/** What text on standard output is laid out for. */
export function pageOf(env: Environment): Page {
  const terminal = Deno.stdout.isTerminal();
  return { columns: columnsOf(), terminal, colours: terminal && coloursAllowed(env) };
}

/** Finds out who reads standard error. */
export function logReader(env: Environment): LogReader {
  if (Deno.stderr.isTerminal()) return coloursAllowed(env) ? "terminal" : "plain-terminal";
  return isJournal(env.get("JOURNAL_STREAM")) ? "journal" : "file";
}

/**
 * Whether standard error is the journal's socket. JOURNAL_STREAM alone does not tell, since children whose output
 * goes elsewhere inherit it: systemd.exec(5) says to compare device and inode.
 */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
