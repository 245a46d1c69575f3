import assert from "node:assert/strict";
import { test } from "node:test";

import { fitting, knownPaths, placeholders } from "../src/compose/path.ts";
import { recognising } from "../src/compose/recognise.ts";
import { refit, rows, switched, typed } from "../src/compose/refit.ts";
import { Newest } from "../src/latest.ts";
import { catalog as shown, composed, operation as current, pick, replace } from "../src/state.ts";
import type { Catalog, Composed } from "../src/types.ts";
import { operation } from "./support/catalog.ts";

const body = (example: string) => ({ media_type: "application/json", fields: [], example });
const LIST = operation("GET /ws/v1/devices/inventory", {
  params: [
    { name: "query", doc: "which" },
    { name: "size", doc: "how many" },
  ],
});
const MAKE = operation("POST /ws/v1/devices/inventory", { body: body("{}") });
const CHANGE = operation("PUT /ws/v1/devices/inventory/{id}", { body: body('{"a": 1}') });
const CATALOG: Catalog = {
  spec: { api_version: "", provenance: "", fingerprint: "" },
  groups: [
    {
      id: "v1",
      title: "",
      doc: "",
      categories: [{ name: "d", title: "", doc: "", operations: [LIST, MAKE, CHANGE] }],
    },
  ],
  field_tables: [],
  unavailable: [],
};
const REQUEST: Composed = {
  method: "GET",
  path: LIST.path,
  path_values: { id: "7" },
  params: [
    { name: "size", value: "", on: false },
    { name: "query", value: "id = '1'", on: true },
    { name: "odd", value: "", on: true },
  ],
  headers: [{ name: "A", value: "b" }],
  body: "",
  content_type: "",
};

test("placeholders are found by name, patterns or none", () => {
  const cases: [string, string[]][] = [
    ["/ws/v1/devices", []],
    ["/ws/{id}/x/{name:.+}", ["id", "name"]],
    ["/ws/{id:[0-9]{2}}/{b}", ["id", "b"]],
    ["/ws/{id", []],
    ["/ws/}{id}", ["id"]],
    ["/{}/{ :x}/{a}{a}", ["a"]],
  ];
  for (const [path, names] of cases) assert.deepEqual(placeholders(path), names, path);
});

test("paths of the catalogue are offered once, those that go on from what was typed first", () => {
  const paths = knownPaths(CATALOG);
  assert.deepEqual(
    paths.map(({ path, methods }) => [path, methods]),
    [
      [LIST.path, ["GET", "POST"]],
      [CHANGE.path, ["PUT"]],
    ],
  );
  assert.deepEqual(fitting(paths, "inventory {id}").map(({ path }) => path), [CHANGE.path]);
  assert.deepEqual(fitting(paths, LIST.path.toUpperCase()).map(({ path }) => path), [LIST.path, CHANGE.path]);
  assert.deepEqual(fitting(paths, "nothing"), []);
  const around = ["/a/ws", "/ws/b"].map((path) => ({ path, methods: [], title: "" }));
  assert.deepEqual(fitting(around, "/ws").map(({ path }) => path), ["/ws/b", "/a/ws"]);
  assert.deepEqual(knownPaths(null), []);
});

test("another operation keeps what was typed", () => {
  const on = refit(REQUEST, LIST, MAKE);
  assert.deepEqual(on.params.map(({ name }) => name), ["query", "odd"]);
  assert.equal(on.body, "{}");
  assert.equal(on.content_type, "application/json");
  assert.deepEqual(on.path_values, { id: "7" });
  assert.deepEqual(on.headers, REQUEST.headers);
});

test("an example that nobody touched gives way, and what was typed does not", () => {
  const offered = refit(REQUEST, LIST, MAKE);
  assert.equal(refit(offered, MAKE, CHANGE).body, '{"a": 1}');
  assert.equal(refit(offered, MAKE, null).body, "");
  const written = { ...offered, body: "{...", content_type: "text/plain" };
  assert.equal(refit(written, MAKE, CHANGE).body, "{...");
  assert.equal(refit(written, MAKE, LIST).content_type, "text/plain");
});

test("a body that was emptied is typed as well", () => {
  const emptied = { ...refit(REQUEST, LIST, MAKE), body: "", content_type: "" };
  const on = refit(emptied, MAKE, CHANGE);
  assert.deepEqual([on.body, on.content_type], ["", ""]);
});

/** Do something while the request is followed: what the path alone tells is told before the judge is asked. */
function followed(work: () => void): void {
  const stop = recognising();
  shown.value = CATALOG;
  try {
    work();
  } finally {
    stop();
    shown.value = null;
  }
}

test("a request that came as a whole stays as it was sent, whatever was composed before", () => {
  followed(() => {
    const sent: Composed = { ...REQUEST, method: "POST", path: MAKE.path };
    for (const before of [LIST, CHANGE, MAKE]) {
      pick(before);
      replace(sent, null);
      assert.equal(current.value, MAKE);
      assert.deepEqual(composed.value, sent);
    }
  });
});

test("another method under a request in the making offers its example", () => {
  followed(() => {
    pick(LIST);
    composed.value = { ...composed.value, method: "POST" };
    assert.deepEqual([current.value, composed.value.body], [MAKE, "{}"]);
  });
});

test("what is asked comes before how, whatever order the spec has", () => {
  const params = ["tag", "size", "cursor", "fields", "query"].map((name) => ({ name, doc: "" }));
  const names = rows([], operation("GET /ws", { params })).map(({ name }) => name);
  assert.deepEqual(names, ["query", "fields", "size", "tag", "cursor"]);
});

test("an operation's parameters come first, in its order", () => {
  const shown = rows(REQUEST.params, LIST);
  assert.deepEqual(
    shown.map(({ name, index, free }) => [name, index, free]),
    [
      ["query", 1, false],
      ["size", 0, false],
      ["odd", 2, true],
    ],
  );
  assert.deepEqual(rows([], LIST).map(({ index }) => index), [null, null]);
});

test("a name that comes twice keeps both", () => {
  const twice = [1, 2].map((n) => ({ name: "query", value: `${n}`, on: true }));
  assert.deepEqual(rows(twice, LIST).map(({ index, free }) => [index, free]), [[0, false], [null, false], [1, true]]);
});

test("typing switches a parameter on, emptying it off", () => {
  const [query, size, odd] = rows(REQUEST.params, LIST);
  assert.equal(typed(REQUEST.params, size!, "5")[0]!.on, true);
  assert.equal(typed(REQUEST.params, query!, "")[1]!.on, false);
  assert.equal(typed(REQUEST.params, odd!, "")[2]!.on, true);
  const off = switched(REQUEST.params, query!, false);
  assert.equal(off[1]!.on, false);
  assert.equal(typed(off, rows(off, LIST)[0]!, "id = '2'")[1]!.on, false);
});

test("a parameter that was only offered joins the request when it is typed or switched on", () => {
  const size = rows([], LIST)[1]!;
  assert.deepEqual(typed([], size, "5"), [{ name: "size", value: "5", on: true }]);
  assert.deepEqual(switched([], size, true), [{ name: "size", value: "", on: true }]);
});

interface Asked {
  text: string;
  signal: AbortSignal;
  answer: (text: string) => void;
  fail: (error: Error) => void;
}

/** Questions whose answers come when the test says so. */
function asked() {
  const open: Asked[] = [];
  const question = (text: string) => (signal: AbortSignal) =>
    new Promise<string>((answer, fail) => void open.push({ text, signal, answer, fail }));
  const heard: string[] = [];
  const told = (text: string) => void heard.push(text);
  return { open, question, heard, told, failed: () => void heard.push("failed") };
}

test("of many questions the first and the newest are asked", async () => {
  const { open, question, heard, told, failed } = asked();
  const newest = new Newest();
  for (const text of ["a", "ab", "abc"]) newest.ask(question(text), told, failed);
  assert.deepEqual(open.map(({ text }) => text), ["a"]);
  open[0]!.answer("A");
  await Promise.resolve();
  assert.deepEqual(open.map(({ text }) => text), ["a", "abc"]);
  open[1]!.fail(new Error("no"));
  await new Promise(setImmediate);
  assert.deepEqual(heard, ["A", "failed"]);
  newest.ask(question("abcd"), told, failed);
  newest.stop();
  open[2]!.answer("late");
  await new Promise(setImmediate);
  assert.equal(open[2]!.signal.aborted, true);
  assert.deepEqual(heard, ["A", "failed"]);
});
