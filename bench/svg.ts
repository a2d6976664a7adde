/**
 * Panels with axes in an SVG: no more than the benchmark draws.
 *
 * @module
 */

/** Where a panel is in the picture, and what its axes show. */
export interface Panel {
  readonly title: string;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
}

/** What an axis shows. */
export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  /** The values that are marked, and what stands there. */
  readonly ticks: readonly (readonly [value: number, text: string])[];
}

type Point = readonly [x: number, y: number];

const FONT = 'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#333"';

/** A picture of these elements, on white, for readers in the dark as well. */
export function picture(width: number, height: number, elements: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...elements,
    "</svg>",
    "",
  ].join("\n");
}

/** The frame of a panel: title, axes and marks. */
export function frame(panel: Panel): string[] {
  const { left, top, width, height, title, x, y } = panel;
  const bottom = top + height;
  return [
    text(left, top - 12, title, "start", true),
    ...y.ticks.flatMap(([value, label]) => {
      const at = placeOf(panel, [x.from, value])[1];
      return [
        `<path d="M${left} ${at}h${width}" stroke="#ddd" fill="none"/>`,
        text(left - 8, at + 4, label, "end"),
      ];
    }),
    ...x.ticks.flatMap(([value, label]) => {
      const at = placeOf(panel, [value, y.from])[0];
      return [
        `<path d="M${at} ${bottom}v5" stroke="#333" fill="none"/>`,
        text(at, bottom + 18, label, "middle"),
      ];
    }),
    `<path d="M${left} ${top}V${bottom}H${left + width}" stroke="#333" fill="none"/>`,
    text(left + width / 2, bottom + 36, x.label, "middle"),
    `<g transform="translate(${left - 46} ${top + height / 2}) rotate(-90)">${
      text(0, 0, y.label, "middle")
    }</g>`,
  ];
}

/** A line through points. What is above the panel is cut off at its edge. */
export function line(panel: Panel, points: readonly Point[], colour: string): string {
  return `<path d="M${path(panel, points)}" stroke="${colour}" stroke-width="1.5" fill="none"/>`;
}

/** What lies between two lines. */
export function band(panel: Panel, low: readonly Point[], high: readonly Point[], colour: string): string {
  return `<path d="M${path(panel, [...low, ...high.toReversed()])}Z" fill="${colour}"/>`;
}

/** A span of the x axis, over the whole height. */
export function shade(panel: Panel, from: number, to: number, colour: string): string {
  const { top, height, y } = panel;
  const [left] = placeOf(panel, [from, y.from]);
  const [right] = placeOf(panel, [to, y.from]);
  return `<rect x="${left}" y="${top}" width="${round(right - left)}" height="${height}" fill="${colour}"/>`;
}

/** A note at a point of a panel. */
export function note(panel: Panel, point: Point, words: string, colour = "#333"): string {
  const [x, y] = placeOf(panel, point);
  return text(x, y, words, "start", false, colour);
}

function text(
  x: number,
  y: number,
  words: string,
  anchor: "start" | "middle" | "end",
  bold = false,
  colour?: string,
): string {
  const more = `${bold ? ' font-weight="bold"' : ""}${colour === undefined ? "" : ` style="fill:${colour}"`}`;
  return `<text x="${round(x)}" y="${round(y)}" ${FONT} text-anchor="${anchor}"${more}>${
    escape(words)
  }</text>`;
}

function path(panel: Panel, points: readonly Point[]): string {
  return points.map((point) => placeOf(panel, point).join(" ")).join("L");
}

function placeOf({ left, top, width, height, x, y }: Panel, point: Point): Point {
  const share = (axis: Axis, value: number) =>
    Math.min(1, Math.max(0, (value - axis.from) / (axis.to - axis.from)));
  return [round(left + width * share(x, point[0])), round(top + height * (1 - share(y, point[1])))];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
