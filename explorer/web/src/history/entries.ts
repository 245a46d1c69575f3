// The calls of the history as the list shows them. No DOM here.

import type { HistoryEntry } from "../types";

/** When it was, as one looks back: the time today, the day and the time before that. */
export function when(at: string, now: Date, timeZone?: string): string {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return at;
  const day = (date: Date) => date.toLocaleDateString("en-CA", zone(timeZone));
  const time = then.toLocaleTimeString("en-GB", zone(timeZone));
  return day(then) === day(now) ? time : `${day(then)} ${time}`;
}

const zone = (timeZone?: string) => (timeZone ? { timeZone } : {});

/** Newer entries before those already listed, each once: what a look at the head of the history brings. */
export function merged(head: readonly HistoryEntry[], listed: readonly HistoryEntry[]): HistoryEntry[] {
  const oldest = head.at(-1)?.id;
  // What is listed between the entries of the head, and is not among them, was forgotten elsewhere.
  return oldest === undefined ? [] : [...head, ...listed.filter(({ id }) => id < oldest)];
}

/** The two calls to compare: at most the last two that were marked. */
export function marked(before: readonly number[], id: number, on: boolean): number[] {
  const others = before.filter((one) => one !== id);
  return on ? [...others, id].slice(-2) : others;
}
