// What the whole page shares. Panes read these signals, and change them by the functions below.

import { batch, computed, signal } from "@preact/signals";

import { recalled } from "./draft.ts";
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

export const EMPTY: Composed = {
  method: "GET",
  path: "/ws/v1/devices/inventory",
  path_values: {},
  params: [],
  headers: [],
  body: "",
  content_type: "",
};

/** The request in the making. A tab keeps its own, also over a reload. */
export const composed = signal<Composed>({ ...EMPTY, ...recalled() });

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

/** The example that the request was begun from. */
export const example = signal<Example | null>(null);

/** Change some of the request. */
export function compose(change: Partial<Composed>): void {
  composed.value = { ...composed.value, ...change };
}

/** Put another request in the place of this one. */
export function replace(request: Composed, of: Operation | null, note: string | null = null): void {
  batch(() => {
    composed.value = { ...EMPTY, ...request };
    operation.value = of;
    notice.value = note;
    example.value = null;
    view.value = "request";
  });
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

export function open(chosen: Example): void {
  batch(() => {
    replace(chosen.request, operations.value.get(chosen.operation) ?? null);
    example.value = chosen;
  });
}

/** Counts the calls of the history that were put into the composer, each of which only waits to be sent. */
export const loaded = signal(0);

export function replay(call: HistoryDetail): void {
  batch(() => {
    replace(
      call.request,
      null,
      call.masked_request ? "The history keeps no secrets: type again what *** stands for." : null,
    );
    loaded.value += 1;
  });
}

/** The answers of the current call, page by page; what is under way; why there is none. */
export const pages = signal<Answer[]>([]);
export const answer = computed<Answer | null>(() => pages.value.at(-1) ?? null);
/** The request that these, or the failure, are the answer to. */
export const asked = signal<Composed | null>(null);
export const sending = signal<{ all: boolean; stop: () => void } | null>(null);
export const failed = signal<Problem | null>(null);
/** Counts the calls, so that the history knows when to look again. */
export const calls = signal(0);
