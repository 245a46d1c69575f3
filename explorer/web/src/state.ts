// What the whole page shares. Panes read these signals, and change them by the functions below.

import { computed, effect, signal } from "@preact/signals";

import type { Answer, Catalog, Composed, Example, HistoryDetail, Operation, Problem, Session } from "./types";

export const session = signal<Session | null>(null);
export const catalog = signal<Catalog | null>(null);
export const examples = signal<Example[]>([]);

/** What is in the way of the whole page (no session, no server); calls have their own. */
export const trouble = signal<Problem | null>(null);

/** What a narrow window shows, which has room for one of them. */
export type View = "api" | "request" | "answer";
export const view = signal<View>("request");
export type Aside = "browse" | "examples" | "history";
export const aside = signal<Aside>("browse");

const KEPT = "digirm.composed";
export const EMPTY: Composed = {
  method: "GET",
  path: "/ws/v1/devices/inventory",
  path_values: {},
  params: [],
  headers: [],
  body: "",
  content_type: "",
};

function kept(): Composed {
  try {
    const text = sessionStorage.getItem(KEPT);
    return text ? { ...EMPTY, ...(JSON.parse(text) as Composed) } : EMPTY;
  } catch {
    return EMPTY;
  }
}

/** The request in the making. A tab keeps its own, also over a reload. */
export const composed = signal<Composed>(kept());
effect(() => {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(composed.value));
  } catch {
    // Too long to keep, or not allowed: it stays in the page.
  }
});

/** What a composed request should be told about, such as that a secret of the history has to be typed again. */
export const notice = signal<string | null>(null);

export const operations = computed<Map<string, Operation>>(
  () =>
    new Map(
      (catalog.value?.groups ?? []).flatMap((group) =>
        group.categories.flatMap((category) => category.operations.map((one) => [one.id, one] as const)),
      ),
    ),
);

/** The operation that the request was picked from, or is of by its path as the server judged it. */
export const operation = signal<Operation | null>(null);

/** Change some of the request. */
export function compose(change: Partial<Composed>): void {
  composed.value = { ...composed.value, ...change };
}

/** Put another request in the place of this one. */
export function replace(request: Composed, of: Operation | null, note: string | null = null): void {
  composed.value = { ...EMPTY, ...request };
  operation.value = of;
  notice.value = note;
  view.value = "request";
}

/** Begin a request of an operation, with room for each of its parameters. */
export function pick(chosen: Operation): void {
  replace(
    {
      ...EMPTY,
      method: chosen.method,
      path: chosen.path,
      path_values: Object.fromEntries(chosen.path_params.map(({ name }) => [name, ""])),
      params: chosen.params.map(({ name }) => ({ name, value: "", on: false })),
      body: chosen.body?.example ?? "",
      content_type: chosen.body?.media_type ?? "",
    },
    chosen,
  );
}

export function open(example: Example): void {
  replace(example.request, operations.value.get(example.operation) ?? null);
}

export function replay(call: HistoryDetail): void {
  replace(
    call.request,
    null,
    call.masked_request ? "The history keeps no secrets: type again what *** stands for." : null,
  );
}

/** The answers of the current call, page by page; what is under way; why there is none. */
export const pages = signal<Answer[]>([]);
export const answer = computed<Answer | null>(() => pages.value.at(-1) ?? null);
export const sending = signal<{ all: boolean; stop: () => void } | null>(null);
export const failed = signal<Problem | null>(null);
/** Counts the calls, so that the history knows when to look again. */
export const calls = signal(0);
