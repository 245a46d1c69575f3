// Sends the request, its next page, all its pages. What came stays in `pages`, whatever happens later.

import { signal } from "@preact/signals";

import { rowsOf } from "./answer/rows.ts";
import { api, problemOf, Trouble } from "./api.ts";
import { answer, asked, calls, composed, failed, pages, sending, session, view } from "./state.ts";
import type { Answer, Composed, HistoryDetail } from "./types";

/** So many records at most are fetched into the page; `digirm get --all` writes any number. */
export const MOST_ROWS = 100_000;

/** A write that waits for its confirmation: what will be sent, and the answer to that. */
export const confirming = signal<{ preview: string; decide: (yes: boolean) => void } | null>(null);

/** The call of the history whose answer is shown; null: the answer is fresh. */
export const remembered = signal<HistoryDetail | null>(null);

/** Why all pages ended before the last one; null: they did not. */
export const halted = signal<string | null>(null);

/** Records over all pages so far. */
export const records = (all: readonly Answer[]): number =>
  all.reduce((sum, page) => sum + (page.count ?? rowsOf(page)?.length ?? 0), 0);

interface Asking {
  request: Composed;
  follows: number | null;
  signal: AbortSignal;
}

/** One call; a write that has to be confirmed is sent again once it was. null: it was not. */
async function ask({ request, follows, signal }: Asking): Promise<Answer | null> {
  let confirm: string | undefined;
  for (;;) {
    try {
      return await api.send(request, { follows, ...(confirm !== undefined && { confirm }) }, signal);
    } catch (error) {
      if (!(error instanceof Trouble) || error.problem.kind !== "confirm") throw error;
      const { preview, digest } = error.problem;
      // A digest that was just given and is refused again belongs to another request than the one shown now.
      if (preview === undefined || digest === undefined) throw error;
      if (!(await confirmed(preview, signal))) return null;
      confirm = digest;
    }
  }
}

function confirmed(preview: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const decide = (yes: boolean) => {
      confirming.value = null;
      resolve(yes);
    };
    signal.addEventListener("abort", () => decide(false), { once: true });
    confirming.value = { preview, decide };
  });
}

/** Counts what took the place of the answer: a sending that was overtaken shows nothing any more. */
let turn = 0;

/** Run one sending at a time; what goes wrong is left in `failed`. */
async function during(all: boolean, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  if (sending.value) return;
  const mine = turn;
  const aborter = new AbortController();
  sending.value = { all, stop: () => aborter.abort() };
  failed.value = null;
  halted.value = null;
  try {
    await work(aborter.signal);
  } catch (error) {
    if (turn === mine) failed.value = problemOf(error);
    calls.value += 1;
  } finally {
    sending.value = null;
  }
}

function arrived(page: Answer, before: readonly Answer[]): void {
  pages.value = [...before, page];
  calls.value += 1;
  const now = session.value;
  if (now) session.value = { ...now, gauge: page.gauge ?? now.gauge, writes: page.writes ?? now.writes };
}

/** Send the composed request. Its answer takes the place of the one before, which stays in sight until then. */
export async function send(): Promise<void> {
  const request = composed.value;
  await during(false, async (signal) => {
    const mine = turn;
    view.value = "answer";
    try {
      const first = await ask({ request, follows: null, signal });
      if (!first || turn !== mine) return;
      remembered.value = null;
      asked.value = request;
      arrived(first, []);
    } catch (error) {
      if (turn === mine) {
        pages.value = [];
        asked.value = request;
        remembered.value = null;
      }
      throw error;
    }
  });
}

async function next(signal: AbortSignal): Promise<boolean> {
  const before = pages.value;
  const request = answer.value?.next;
  if (!request) return false;
  const page = await ask({ request, follows: before[0]?.history ?? null, signal });
  // Another answer may have been put in the place of these pages meanwhile.
  if (!page || pages.value !== before) return false;
  arrived(page, before);
  return page.status < 400;
}

/** Fetch the page after the last one. */
export async function sendNext(): Promise<void> {
  await during(false, async (signal) => void (await next(signal)));
}

/** Fetch page after page until the last one, a stop, a fault, or more records than a page should hold. */
export async function sendAll(): Promise<void> {
  await during(true, async (signal) => {
    while (await next(signal)) {
      if (answer.value?.next && records(pages.value) >= MOST_ROWS) {
        halted.value = everyPage(pages.value);
        return;
      }
    }
  });
}

function everyPage(all: readonly Answer[]): string {
  const path = all[0]?.target.replace(/\?.*$/, "") ?? "PATH";
  const held = records(all).toLocaleString("en");
  return `The page holds ${held} records and stops here. For any number of them: digirm get --all ${path}`;
}

/** Show the answer that the history kept of a call. */
export function show(call: HistoryDetail): void {
  turn += 1;
  sending.value?.stop();
  failed.value = call.error ? { kind: "transport", message: call.error } : null;
  halted.value = null;
  remembered.value = call;
  asked.value = call.request;
  pages.value = call.status === null ? [] : [asAnswer(call, call.status)];
  view.value = "answer";
}

function asAnswer(call: HistoryDetail, status: number): Answer {
  const { method, target, milliseconds, size, headers, media_type, kind, text, shortened } = call;
  const says = shortened ? "The history kept only the beginning of it." : null;
  const none = { rows: null, items: null, count: null, next: null, writes: null, gauge: null };
  const of = { id: "", history: call.id, method, target, status, reason: "", milliseconds, size };
  return { ...of, headers, media_type, kind, says, text, shortened, ...none };
}
