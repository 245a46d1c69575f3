// The list of calls over real HTTP: a local server answers when, and in the order, that the test says.

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { beforeEach, test } from "node:test";

import { Listing } from "../src/history/listing.ts";
import { remembered } from "../src/sending.ts";
import { composed, EMPTY } from "../src/state.ts";
import type { HistoryDetail, HistoryEntry } from "../src/types.ts";
import { entry, serve } from "./support/local.ts";

let open: { asked: string; response: ServerResponse }[] = [];
let came: () => void = () => undefined;

serve((request, response) => {
  open.push({ asked: `${request.method} ${request.url}`, response });
  came();
});

/** The question, once it is asked. */
async function asked(question: string): Promise<ServerResponse> {
  for (;;) {
    const at = open.findIndex((one) => one.asked === question);
    if (at >= 0) return open.splice(at, 1)[0]!.response;
    await new Promise<void>((resolve) => (came = resolve));
  }
}

async function answer(question: string, data: unknown, status = 200): Promise<void> {
  const response = await asked(question);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(data));
}

interface Told<T> {
  subscribe: (told: (value: T) => void) => () => void;
}

/** Wait until a signal holds what is waited for. */
function until<T>(of: Told<T>, fits: (value: T) => boolean): Promise<void> {
  return new Promise((resolve) => {
    let stop: (() => void) | null = null;
    stop = of.subscribe((value) => {
      if (!fits(value)) return;
      queueMicrotask(() => stop?.());
      resolve();
    });
  });
}

const entries = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, at) => entry(from - at));
const detail = (id: number): HistoryDetail => ({
  ...entry(id),
  request: { ...EMPTY, path: `/${id}` },
  masked_request: false,
  masked_answer: false,
  headers: [],
  media_type: "application/json",
  kind: "json",
  text: "{}",
  shortened: false,
});
const ids = (listing: Listing) => listing.entries.value?.map(({ id }) => id) ?? null;
const HEAD = "GET /api/history?search=";


let told: [number, string][] = [];
let listing: Listing;
beforeEach(() => {
  open = [];
  told = [];
  listing = new Listing((found, search) => void told.push([found, search]));
});

/** List some calls, as a look finds them. */
async function listed(search: string, found: HistoryEntry[]): Promise<void> {
  listing.look(search);
  await answer(HEAD + search, found);
  await until(listing.entries, (now) => now?.[0]?.id === found[0]?.id && now?.length === found.length);
}

test("a look lists the newest calls, a further one brings those that came, older ones join them", async () => {
  await listed("", entries(150, 51));
  assert.equal(listing.more.value, true);
  listing.older();
  await answer(`${HEAD}&before=51`, entries(50, 1));
  await until(listing.entries, (now) => now?.length === 150);
  assert.equal(listing.more.value, false);
  listing.look("");
  await answer(HEAD, entries(151, 52));
  await until(listing.entries, (now) => now?.length === 151);
  assert.equal(listing.more.value, false);
  assert.deepEqual(told, [[100, ""]]);
});

test("calls that are forgotten while a look is under way do not come back", async () => {
  await listed("", [entry(2), entry(1)]);
  listing.mark(1, true);
  listing.look("");
  const late = await asked(HEAD);
  const cleared = listing.clear();
  await answer("DELETE /api/history", null);
  assert.equal(await cleared, true);
  await answer(HEAD, []);
  late.end(JSON.stringify([entry(2), entry(1)]));
  const further = listing.forget(2);
  await answer("DELETE /api/history/2", null);
  await further;
  await answer(HEAD, []);
  assert.deepEqual([ids(listing), listing.chosen.value, listing.more.value], [[], [], false]);
});

test("one call is forgotten, also where it lies beyond the first look", async () => {
  await listed("", entries(101, 2));
  listing.older();
  await answer(`${HEAD}&before=2`, [entry(1)]);
  await until(listing.entries, (now) => now?.length === 101);
  const forgotten = listing.forget(1);
  await answer("DELETE /api/history/1", null);
  assert.equal(await forgotten, true);
  await answer(HEAD, entries(101, 2));
  assert.equal(ids(listing)!.includes(1), false);
  const refused = listing.forget(2);
  await answer("DELETE /api/history/2", { error: { kind: "internal", message: "the file is locked" } }, 500);
  assert.equal(await refused, false);
  assert.equal(listing.failed.value, "the file is locked");
  assert.equal(ids(listing)!.includes(2), true);
});

test("older calls of a search do not join those of another", async () => {
  await listed("", entries(200, 101));
  listing.older();
  const late = await asked(`${HEAD}&before=101`);
  await listed("x", [entry(7)]);
  late.end(JSON.stringify(entries(100, 1)));
  await listed("x", [entry(8), entry(7)]);
  assert.deepEqual(ids(listing), [8, 7]);
  assert.deepEqual(told, [[100, ""], [1, "x"]]);
});

test("older calls are of the search that is listed, whatever is asked for meanwhile", async () => {
  await listed("", entries(200, 101));
  listing.look("x");
  listing.older();
  await answer(`${HEAD}&before=101`, [entry(3)]);
  await until(listing.entries, (now) => now?.length === 101);
  await answer(`${HEAD}x`, [entry(7)]);
  await until(listing.entries, (now) => now?.length === 1);
});

test("of two calls to show or to replay, the last is taken", async () => {
  listing.show(149);
  const slow = await asked("GET /api/history/149");
  listing.show(148);
  await answer("GET /api/history/148", detail(148));
  await until(remembered, (call) => call?.id === 148);
  slow.end(JSON.stringify(detail(149)));
  listing.replay(1);
  const slower = await asked("GET /api/history/1");
  listing.replay(2);
  await answer("GET /api/history/2", detail(2));
  await until(composed, ({ path }) => path === "/2");
  slower.end(JSON.stringify(detail(1)));
  listing.mark(1, true);
  listing.mark(2, true);
  listing.compare();
  await answer("GET /api/history/2", detail(2));
  await answer("GET /api/history/1", detail(1));
  await until(listing.pair, (pair) => pair?.[0].id === 1 && pair[1].id === 2);
  assert.deepEqual([remembered.value?.id, composed.value.path], [148, "/2"]);
});
