import { END, MEAN, OUTAGES } from "./fleet.ts";
import { band, frame, line, note, type Panel, picture, shade } from "./svg.ts";

/** What the plot shows. */
export interface Polling {
  /** Requests in each second of the simulation. */
  readonly requests: Uint32Array;
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
export function renderPolling({ requests, of1, of2, of10 }: Polling): string {
  const hours = Array.from({ length: END / 3600 * 2 + 1 }, (_, index) => index / 2);
  const time: Panel = {
    ...{
      title:
        "Requests a second (dark: the mean of ten seconds; light: the least and the most in one of them)",
      left: 70,
      top: 40,
    },
    ...{ width: 780, height: 240 },
    x: {
      ...{ label: "hours; shaded: Hydra does not answer", from: 0, to: END / 3600 },
      ticks: hours.map((hour) => [hour, String(hour)]),
    },
    y: {
      ...{ label: "requests a second", from: 0, to: 2.5 * MEAN },
      ticks: [0, 0.5, 1, 1.5, 2].map((over) => [over * MEAN, (over * MEAN).toFixed(0)]),
    },
  };
  const steps = Array.from({ length: END / STEP }, (_, index) => {
    const counts = requests.subarray(index * STEP, (index + 1) * STEP);
    return {
      hour: (index + 0.5) * STEP / 3600,
      least: Math.min(...counts),
      mean: counts.reduce((sum, count) => sum + count, 0) / STEP,
      most: Math.max(...counts),
    };
  });
  const chance: Panel = {
    ...{
      title: "Share of fleets whose fullest second, two or ten seconds of a period are no fuller",
      left: 70,
    },
    ...{ top: 360, width: 780, height: 180 },
    x: {
      ...{ label: "peak over mean", from: 1, to: 1.4 },
      ticks: [1, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4].map((over) => [over, over.toFixed(2)]),
    },
    y: {
      ...{ label: "fleets", from: 0, to: 1 },
      ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${share * 100} %`]),
    },
  };
  const share = (peaks: readonly number[]) =>
    Array.from({ length: POINTS + 1 }, (_, index) => {
      const over = 1 + 0.4 * index / POINTS;
      return [over, peaks.filter((peak) => peak <= over).length / peaks.length] as const;
    });
  const first = requests[0] ?? 0;
  return picture(880, 600, [
    ...OUTAGES.map(({ from, to }) => shade(time, from / 3600, to / 3600, COLOURS.outage)),
    ...frame(time),
    band(
      time,
      steps.map(({ hour, least }) => [hour, least]),
      steps.map(({ hour, most }) => [hour, most]),
      COLOURS.range,
    ),
    line(time, steps.map(({ hour, mean }) => [hour, mean]), COLOURS.mean),
    note(time, [0.03, 2.3 * MEAN], `${first} in the first second`),
    note(
      time,
      [2.05, 2.3 * MEAN],
      "dark: mean of ten seconds; light: least and most in one of them",
      COLOURS.mean,
    ),
    ...frame(chance),
    line(chance, [[1.2, 0], [1.2, 1]], COLOURS.aim),
    note(chance, [1.203, 0.06], "aim", COLOURS.aim),
    line(chance, share(of1), COLOURS.mean),
    line(chance, share(of2), COLOURS.mean),
    line(chance, share(of10), COLOURS.mean),
    note(chance, [1.255, 0.7], "1 s", COLOURS.mean),
    note(chance, [1.165, 0.7], "2 s", COLOURS.mean),
    note(chance, [1.068, 0.7], "10 s", COLOURS.mean),
  ]);
}
