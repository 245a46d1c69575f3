// Values over time: the points of data streams.

import { numberIn, plain } from "./json.ts";
import type { Row } from "./rows.ts";

export interface Series {
  name: string;
  /** Milliseconds since 1970, ascending. */
  times: number[];
  values: number[];
  /** Records of it that hold no number or no time. */
  left: number;
}

const TIMES = ["timestamp", "server_timestamp", "time"];
const VALUES = ["value", "data", "average", "avg"];
/** What tells the values of one quantity from those of another, the surest first. */
const NAMES = ["stream_id", "streamId", "stream", "name", "id"];
/** Whose it is, where the name alone does not say it. */
const OWNER = "device_id";

/**
 * One series per stream, those with the most points first; empty where the records are no points in time. What has one
 * point, or all of them at one time, is no series.
 */
export function seriesOf(rows: readonly Row[]): Series[] {
  const time = TIMES.find((name) => rows.some((row) => timeIn(row[name]) !== null));
  const value = VALUES.find((name) => rows.some((row) => numberIn(row[name]) !== null));
  if (!time || !value) return [];
  const named = NAMES.find((name) => rows.some((row) => plain(row[name])));
  const owned = named === "name" && new Set(rows.map((row) => plain(row[OWNER]))).size > 1;
  const streams = new Map<string, { points: [number, number][]; left: number }>();
  for (const row of rows) {
    const name = named ? `${owned ? `${plain(row[OWNER])} ` : ""}${plain(row[named])}` : value;
    let stream = streams.get(name);
    if (!stream) streams.set(name, (stream = { points: [], left: 0 }));
    const [at, of] = [timeIn(row[time]), numberIn(row[value])];
    if (at === null || of === null) stream.left += 1;
    else stream.points.push([at, of]);
  }
  return [...streams]
    .filter(([, { points }]) => points.some(([at]) => at !== points[0]![0]))
    .map(([name, { points, left }]) => {
      points.sort((a, b) => a[0] - b[0]);
      return { name, times: points.map(([at]) => at), values: points.map(([, of]) => of), left };
    })
    .sort((a, b) => b.times.length - a.times.length);
}

/** ISO 8601, or milliseconds since 1970. */
function timeIn(value: unknown): number | null {
  const number = numberIn(value);
  if (number !== null) return number > 1e11 && number < 1e14 ? number : null;
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT/.test(value)) return null;
  const found = Date.parse(value);
  return Number.isNaN(found) ? null : found;
}

export interface Summary {
  count: number;
  from: number;
  to: number;
  lowest: number;
  highest: number;
  mean: number;
  last: number;
}

export function summary({ times, values }: Pick<Series, "times" | "values">): Summary {
  let [lowest, highest, mean] = [Infinity, -Infinity, 0];
  values.forEach((value, at) => {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
    mean += (value - mean) / (at + 1);
  });
  return { count: values.length, from: times[0]!, to: times.at(-1)!, lowest, highest, mean, last: values.at(-1)! };
}

/** The same in at most `many` stretches of equal length, each with its own summary: a table that can be read. */
export function stretches(series: Series, many = 24): Summary[] {
  const { times, values } = series;
  const [from, to] = [times[0]!, times.at(-1)!];
  const length = Math.max((to - from) / many, 1);
  const found: Summary[] = [];
  let start = 0;
  while (start < times.length) {
    const place = Math.min(Math.floor((times[start]! - from) / length), many - 1);
    let end = start + 1;
    while (end < times.length && Math.min(Math.floor((times[end]! - from) / length), many - 1) === place) end += 1;
    found.push(summary({ times: times.slice(start, end), values: values.slice(start, end) }));
    start = end;
  }
  return found;
}

/** `2026-11-21 18:03:07`, in UTC, of seconds since 1970. */
export const moment = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");

const shortDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** What stands at the marks of a time axis, which are `step` seconds apart: the day where it begins, else the time. */
export function ticks(marks: readonly number[], step: number): string[] {
  return marks.map((at, n) => {
    const time = moment(at).slice(11);
    if (step >= 86_400) return shortDay.format(at * 1000);
    const clock = step >= 60 ? time.slice(0, 5) : time;
    return n === 0 || time === "00:00:00" ? `${clock}\n${shortDay.format(at * 1000)}` : clock;
  });
}

/** A number for the eye: at most five significant digits. */
export function rounded(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(5)));
}
