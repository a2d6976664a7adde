import { END, HOUR, MEAN, OUTAGES } from "./fleet_scenario.ts";
import { band, frame, line, note, type Panel, picture, shade } from "./svg.ts";

/** What the plot shows. */
export interface Polling {
  /** Requests in each second of the simulation, of hosts that are numbered, and of hosts that are not. */
  readonly numbered: Uint32Array;
  readonly unnumbered: Uint32Array;
  /** The peaks over the mean of many fleets, in spans of one, two and ten seconds, sorted. */
  readonly of1: readonly number[];
  readonly of2: readonly number[];
  readonly of10: readonly number[];
}

/** How many seconds are drawn as one. */
const STEP = 10;

/** How many values of a distribution are drawn. */
const POINTS = 200;

const COLOURS = { mean: "#0b5394", range: "#9fc5e8", outage: "#f4e0d9", aim: "#b45f06" };

/** Draws what Hydra gets over the time, and how even fleets are by chance. */
export function renderPolling({ numbered, unnumbered, of1, of2, of10 }: Polling): string {
  return picture(880, 860, [
    ...renderTime("Hosts without numbers", unnumbered, 40),
    ...renderTime("Hosts with numbers", numbered, 320),
    ...renderChance([["1 s", 1.255, of1], ["2 s", 1.165, of2], ["10 s", 1.068, of10]], 600),
  ]);
}

function renderTime(whose: string, requests: Uint32Array, top: number): string[] {
  const steps = Array.from({ length: END / STEP }, (_, index) => {
    const counts = requests.subarray(index * STEP, (index + 1) * STEP);
    return {
      hour: (index + 0.5) * STEP / HOUR,
      least: Math.min(...counts),
      mean: counts.reduce((sum, count) => sum + count, 0) / STEP,
      most: Math.max(...counts),
    };
  });
  // The first of them holds the start of all hosts, which is far above.
  const most = Math.max(2.5, Math.ceil(Math.max(...steps.slice(1).map(({ most }) => most)) / MEAN));
  const panel: Panel = {
    title:
      `${whose}: requests a second (dark: the mean of 10 seconds; light: the least and the most of them)`,
    ...{ left: 70, top, width: 780, height: 200 },
    x: {
      ...{ label: "hours; shaded: Hydra does not answer", from: 0, to: END / HOUR },
      ticks: Array.from({ length: END / HOUR * 2 + 1 }, (_, index) => [index / 2, String(index / 2)]),
    },
    y: {
      ...{ label: "requests a second", from: 0, to: most * MEAN },
      ticks: Array.from({ length: Math.ceil(most) }, (_, over) => [over * MEAN, (over * MEAN).toFixed(0)]),
    },
  };
  return [
    ...OUTAGES.map(({ from, to }) => shade(panel, from / HOUR, to / HOUR, COLOURS.outage)),
    ...frame(panel),
    band(
      panel,
      steps.map(({ hour, least }) => [hour, least]),
      steps.map(({ hour, most }) => [hour, most]),
      COLOURS.range,
    ),
    line(panel, steps.map(({ hour, mean }) => [hour, mean]), COLOURS.mean),
    note(panel, [0.03, 0.92 * most * MEAN], `${requests[0]} in the first second: all hosts start`),
  ];
}

function renderChance(
  curves: readonly (readonly [what: string, place: number, peaks: readonly number[]])[],
  top: number,
): string[] {
  const [least, most] = [1, 1.4];
  const panel: Panel = {
    title: "Without numbers: the share of fleets whose fullest 1, 2 or 10 seconds of a period are no fuller",
    ...{ left: 70, top, width: 780, height: 180 },
    x: {
      ...{ label: "peak over mean", from: least, to: most },
      ticks: Array.from({ length: 9 }, (_, index) => [least + index / 20, (least + index / 20).toFixed(2)]),
    },
    y: {
      ...{ label: "fleets", from: 0, to: 1 },
      ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${share * 100} %`]),
    },
  };
  const shareOf = (peaks: readonly number[]) =>
    Array.from({ length: POINTS + 1 }, (_, index) => {
      const over = least + (most - least) * index / POINTS;
      return [over, peaks.filter((peak) => peak <= over).length / peaks.length] as const;
    });
  return [
    ...frame(panel),
    line(panel, [[1.2, 0], [1.2, 1]], COLOURS.aim),
    note(panel, [1.203, 0.06], "aim", COLOURS.aim),
    ...curves.flatMap(([what, place, peaks]) => [
      line(panel, shareOf(peaks), COLOURS.mean),
      note(panel, [place, 0.7], what, COLOURS.mean),
    ]),
  ];
}
