// The throttle gauge in numbers and words.

import type { Gauge } from "../types";

type Window = Gauge["windows"][number];

/** The window of which least is left, by its share, then by its number; null: there is no limit. */
export function tightest(gauge: Gauge): Window | null {
  const share = ({ left, limit }: Window) => left / limit;
  return gauge.windows.toSorted((a, b) => share(a) - share(b) || a.left - b.left)[0] ?? null;
}

/** The gauge in a few words; the limits are of different spans of time, which has to be said. */
export function inShort(gauge: Gauge, { left, limit, seconds }: Window): string {
  if (gauge.paused > 0) return `paused for ${Math.ceil(gauge.paused)} s`;
  return `${left} of ${limit} left in ${seconds} s`;
}

/** In how many seconds the gauge is worth another look; null: it is full. */
export function refreshIn(gauge: Gauge): number | null {
  if (gauge.paused > 0) return Math.min(Math.max(gauge.paused, 1), 15);
  const drawn = gauge.windows.filter(({ left, limit }) => left < limit);
  if (drawn.length === 0 && gauge.concurrent.left >= gauge.concurrent.limit) return null;
  return Math.min(15, Math.max(2, ...drawn.map(({ free_in }) => free_in)));
}

/** Each limit in a line. */
export function everything(gauge: Gauge): string[] {
  const lines = gauge.windows.map(
    ({ seconds, limit, left, free_in }) =>
      `${left} of ${limit} in ${seconds} s` + (left === 0 ? `; the next in ${Math.ceil(free_in)} s` : ""),
  );
  lines.push(`${gauge.concurrent.left} of ${gauge.concurrent.limit} at the same time`);
  if (gauge.paused > 0) lines.push(`The service asked to wait: ${Math.ceil(gauge.paused)} s more`);
  return lines;
}
