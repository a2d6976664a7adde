/** One line of the result: a thing that was measured, for all that were measured side by side. */
export interface Row {
  readonly what: string;
  readonly hail: string;
  /** The bare runtime, where it can be compared. */
  readonly bare?: string;
  /** The shell loop, where it can be compared. */
  readonly shell?: string;
}

/** What was aimed at, and what came of it. */
export interface Aim {
  readonly what: string;
  readonly aim: string;
  readonly measured: string;
  readonly met: boolean;
}

/** What a part of the benchmark has found out. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly aims: readonly Aim[];
}

/** The whole result in Markdown. */
export function render(findings: readonly Findings[]): string {
  const rows = findings.flatMap((part) => part.rows);
  const aims = findings.flatMap((part) => part.aims);
  return [
    table(
      ["", "hail", "bare runtime", "shell loop"],
      rows.map(({ what, hail, bare, shell }) => [what, hail, bare ?? "", shell ?? ""]),
    ),
    "",
    table(
      ["Aim", "Measured", ""],
      aims.map(({ what, aim, measured, met }) => [`${what}: ${aim}`, measured, met ? "met" : "**not met**"]),
    ),
  ].join("\n");
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...body.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
