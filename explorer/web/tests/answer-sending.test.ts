// Sending over real HTTP: a local server stands for `digirm explore`, answer by answer.

import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { beforeEach, test } from "node:test";

import { confirming, halted, MOST_ROWS, remembered, send, sendAll, sendNext, show } from "../src/sending.ts";
import { calls, compose, composed, EMPTY, failed, pages, sending, session } from "../src/state.ts";
import type { Answer, Composed, HistoryDetail, Problem, Session } from "../src/types.ts";
import { entry, serve } from "./support/local.ts";

interface Sent {
  request: Composed;
  follows: number | null;
  confirm?: string;
}
type Reply = Partial<Answer> | { problem: Problem; status: number } | "never";

let script: (sent: Sent, number: number) => Reply;
let seen: Sent[] = [];

serve(async (request, response) => {
  const sent = JSON.parse(await body(request)) as Sent;
  seen.push(sent);
  const reply = script(sent, seen.length);
  if (reply === "never") return;
  const wrong = "problem" in reply;
  response.writeHead(wrong ? reply.status : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(wrong ? { error: reply.problem } : { ...ANSWER, ...reply }));
});

async function body(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

const ANSWER: Answer = {
  id: "1",
  history: 7,
  method: "GET",
  target: "/ws/v1/devices/inventory?size=2",
  status: 200,
  reason: "OK",
  milliseconds: 3,
  size: 20,
  writes: null,
  headers: [],
  media_type: "application/json",
  kind: "json",
  says: null,
  text: '{"list": [{"id": 1}, {"id": 2}]}',
  shortened: false,
  rows: null,
  items: "list",
  count: 2,
  next: null,
  gauge: null,
};
const CALL: HistoryDetail = {
  ...entry(5),
  request: EMPTY,
  masked_request: false,
  masked_answer: false,
  headers: [],
  media_type: "application/json",
  kind: "json",
  text: ANSWER.text,
  shortened: false,
};
const more = (cursor: number): Composed => ({
  ...EMPTY,
  params: [{ name: "cursor", value: String(cursor), on: true }],
});

beforeEach(() => {
  seen = [];
  pages.value = [];
  failed.value = null;
  remembered.value = null;
  composed.value = EMPTY;
});

test("what is composed is sent, and its answer shown", async () => {
  const gauge = { windows: [], concurrent: { limit: 4, left: 3 }, paused: 0 };
  session.value = { gauge: null, writes: "locked" } as unknown as Session;
  script = () => ({ gauge, writes: "confirmed" });
  compose({ path: "/ws/v1/groups/inventory" });
  const counted = calls.value;
  await send();
  assert.equal(seen[0]!.request.path, "/ws/v1/groups/inventory");
  assert.deepEqual(pages.value.map(({ id }) => id), ["1"]);
  assert.equal(calls.value, counted + 1);
  // Writes may have been allowed in another tab.
  assert.deepEqual([session.value.gauge, session.value.writes], [gauge, "confirmed"]);
  assert.equal(sending.value, null);
});

test("further pages follow the first one's number in the history, to the last", async () => {
  script = (_sent, number) => ({ id: String(number), history: 40 + number, next: number < 4 ? more(number) : null });
  await send();
  await sendNext();
  assert.equal(pages.value.length, 2);
  await sendAll();
  assert.equal(pages.value.length, 4);
  assert.deepEqual(seen.map(({ follows }) => follows), [null, 41, 41, 41]);
  assert.deepEqual(seen.map(({ request }) => request.params[0]?.value), [undefined, "1", "2", "3"]);
  await sendNext();
  assert.equal(seen.length, 4);
});

test("a fault amid all pages keeps what came; the next try goes on from there", async () => {
  const problem: Problem = { kind: "transport", message: "the line is down" };
  script = (_sent, number) => (number === 3 ? { problem, status: 502 } : { next: number < 4 ? more(number) : null });
  await send();
  await sendAll();
  assert.equal(pages.value.length, 2);
  assert.deepEqual(failed.value, problem);
  await sendAll();
  assert.equal(failed.value, null);
  assert.deepEqual(seen.map(({ request }) => request.params[0]?.value), [undefined, "1", "2", "2"]);
});

test("an error of the service amid all pages ends them", async () => {
  script = (_sent, number) => (number === 2 ? { status: 500, next: more(9) } : { next: more(number) });
  await send();
  await sendAll();
  assert.deepEqual(pages.value.map(({ status }) => status), [200, 500]);
});

test("all pages end before the page holds too many records, and say what else to do", async () => {
  script = (_sent, number) => ({ count: 40_000, next: more(number) });
  await send();
  await sendAll();
  assert.equal(pages.value.length, 3);
  assert.match(halted.value!, /120,000 records.*digirm get --all \/ws\/v1\/devices\/inventory$/);
});

test("as many records as the page holds are all of them where no page follows", async () => {
  script = (_sent, number) => ({ count: MOST_ROWS / 2, next: number < 2 ? more(number) : null });
  await send();
  await sendAll();
  assert.deepEqual([pages.value.length, halted.value], [2, null]);
});

test("a write is shown before it is sent, and sent as it was shown", async () => {
  const problem: Problem = { kind: "confirm", message: "confirm", preview: "DELETE /x", digest: "d1" };
  script = ({ confirm }) => (confirm === "d1" ? {} : { problem, status: 409 });
  compose({ method: "DELETE" });
  const stop = confirming.subscribe((asked) => {
    if (!asked) return;
    assert.equal(asked.preview, "DELETE /x");
    compose({ method: "PUT" }); // typed meanwhile: not what is sent
    queueMicrotask(() => asked.decide(true));
  });
  await send();
  stop();
  assert.deepEqual(seen.map(({ request, confirm }) => [request.method, confirm]), [
    ["DELETE", undefined],
    ["DELETE", "d1"],
  ]);
  assert.equal(pages.value.length, 1);
  assert.equal(composed.value.method, "PUT");
});

test("a write that is not confirmed is not sent, and changes nothing", async () => {
  script = (_sent, number) => {
    return number === 1 ? {} : { problem: { kind: "confirm", message: "", preview: "p", digest: "d" }, status: 409 };
  };
  await send();
  const stop = confirming.subscribe((asked) => asked && queueMicrotask(() => asked.decide(false)));
  await send();
  stop();
  assert.equal(seen.length, 2);
  assert.equal(pages.value.length, 1);
  assert.equal(failed.value, null);
});

test("stopping ends what is under way, and nothing typed is lost", async () => {
  let arrived = () => {};
  const came = new Promise<void>((resolve) => (arrived = resolve));
  script = () => {
    arrived();
    return "never";
  };
  compose({ body: "typed" });
  const done = send();
  await came;
  await send(); // one at a time
  sending.value!.stop();
  await done;
  assert.equal(failed.value?.kind, "aborted");
  assert.equal(sending.value, null);
  assert.equal(seen.length, 1);
  assert.equal(composed.value.body, "typed");
});

test("a call of the history that is shown meanwhile stays", async () => {
  let arrived = () => {};
  const came = new Promise<void>((resolve) => (arrived = resolve));
  script = () => {
    arrived();
    return "never";
  };
  const done = send();
  await came;
  show(CALL);
  await done;
  assert.deepEqual([remembered.value, failed.value, pages.value.length], [CALL, null, 1]);
});

test("a call of the history is shown as one, until the next is sent", async () => {
  script = () => ({});
  show(CALL);
  assert.equal(remembered.value, CALL);
  assert.equal(pages.value[0]!.text, ANSWER.text);
  show({ ...CALL, status: null, text: null, error: "no route" });
  assert.deepEqual([pages.value.length, failed.value?.message], [0, "no route"]);
  await send();
  assert.equal(remembered.value, null);
  assert.equal(pages.value.length, 1);
});
