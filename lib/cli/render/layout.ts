/** Text laid out in lines. What others wrote is made fit for a terminal here, once for all. */
import { sanitise } from "../../report/sanitise.ts";
import type { Page } from "../context.ts";

/** How good a piece of news is; in colours, where they are welcome. */
export type Tone = "good" | "bad" | "doubtful" | "heading" | "plain";

const COLOURS: Readonly<Record<Tone, string>> = {
  good: "32",
  bad: "31",
  doubtful: "33",
  heading: "1",
  plain: "",
};

/** Puts a colour on a text. */
export function paint(text: string, tone: Tone, { colours }: Page): string {
  return colours && tone !== "plain" ? `\u001b[${COLOURS[tone]}m${text}\u001b[0m` : text;
}

/** One label with what belongs to it, each paragraph on lines of its own. */
export interface Entry {
  readonly label: string;
  readonly paragraphs: readonly string[];
  /** The tone of the first paragraph. */
  readonly tone?: Tone;
}

const INDENT = 2;

/** Lays out entries in two columns: labels on the left, and what belongs to them on the right. */
export function layOut(entries: readonly Entry[], page: Page): string[] {
  const left = INDENT + Math.max(...entries.map(({ label }) => label.length)) + 2;
  return entries.flatMap(({ label, paragraphs, tone = "plain" }) => {
    const start = " ".repeat(INDENT) + label;
    return paragraphs
      .flatMap((text, index) =>
        wrap(text, left, page).map((line) => paint(line, index === 0 ? tone : "plain", page))
      )
      .map((line, index) => (index === 0 ? start : "").padEnd(left) + line);
  });
}

/**
 * Breaks a text into lines at blanks. A word that is longer than a line, such as a store path, is broken on a terminal, and
 * else left whole, so that it can be found and copied.
 *
 * @param indent How many columns of the page are taken already.
 */
export function wrap(text: string, indent: number, page: Page): string[] {
  const width = Math.max(20, page.columns - indent);
  const words = clean(text).split(" ").filter((word) => word !== "");
  const lines: string[] = [];
  for (const word of words.flatMap((word) => page.terminal ? cut(word, width) : [word])) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines.length === 0 ? [""] : lines;
}

/** A column of a table. */
export interface Column {
  readonly heading: string;
  readonly align?: "left" | "right";
}

/**
 * Lays out a table, one line a row. The last column takes what is left of the page, and is cut there on a terminal.
 *
 * @param tones The tone of each row.
 */
export function layOutTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  tones: readonly Tone[],
  page: Page,
): string[] {
  const cells = [columns.map(({ heading }) => heading), ...rows.map((row) => row.map(clean))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  return cells.map((row, number) => {
    const line = row
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        if (columns[index]?.align === "right") return cell.padStart(width);
        return index === columns.length - 1 ? cell : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
    const tone = number === 0 ? "heading" : tones[number - 1] ?? "plain";
    return paint(page.terminal ? shorten(line, page.columns) : line, tone, page);
  });
}

/** A text cut to a width, with a sign that it was. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 3))}...`;
}

/** A text of others on one line, without anything that drives a terminal. */
export function clean(text: string): string {
  return sanitise(text, 4_096).replace(/\s+/g, " ").trim();
}

function cut(word: string, width: number): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < word.length;) {
    // The two halves of one character stay together.
    const torn = /[\ud800-\udbff]/.test(word.charAt(start + width - 1));
    const end = start + width - (torn ? 1 : 0);
    pieces.push(word.slice(start, end));
    start = end;
  }
  return pieces;
}
