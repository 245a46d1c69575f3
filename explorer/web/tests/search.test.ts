import assert from "node:assert/strict";
import { test } from "node:test";

import { findExamples } from "../src/browse/examples.ts";
import { excerpt, searcher } from "../src/browse/search.ts";
import type { Example } from "../src/types.ts";
import { catalog } from "./support/catalog.ts";

const search = searcher(catalog);
const found = (text: string) => search(text).map(({ operation }) => operation.id);

test("a path is found by its segments, whatever their case", () => {
  assert.deepEqual(found("STREAMS"), ["GET /ws/v1/streams/inventory", "DELETE /ws/v1/streams/inventory/{id}"]);
  assert.deepEqual(search("streams")[0]?.why, []);
  assert.deepEqual(found("get inventory devices").slice(0, 1), ["GET /ws/v1/devices/inventory"]);
});

test("every word has to be found", () => {
  assert.deepEqual(found("streams last_update"), []);
  assert.deepEqual(found("list last_update"), ["GET /ws/v1/devices/inventory"]);
});

test("a hit says where it was found", () => {
  const why = (text: string) => search(text)[0]?.why;
  assert.deepEqual(why("last_update"), ["field last_update (Timestamp)"]);
  assert.deepEqual(why("timestamp"), ["fields last_update, last_connect and 1 more"]);
  assert.deepEqual(why("cursor"), ["parameter cursor"]);
  assert.deepEqual(why("install_code"), ["body field install_code"]);
  assert.deepEqual(why("disconnected"), ["field connection_status (Text): disconnected"]);
  assert.deepEqual(why("provision"), ["Provision devices"]);
  assert.deepEqual(why("identifier"), ["path value id"]);
  assert.match(why("newest")?.[0] ?? "", /newest first/);
});

test("what is named so comes before what mentions it", () => {
  const [first] = search("reboot");
  assert.equal(first?.operation.id, "POST /ws/sci reboot");
  assert.deepEqual(
    search("last_update").map(({ operation }) => operation.method),
    ["GET", "POST"],
  );
});

test("nothing is found by nothing", () => {
  for (const text of ["", "   ", "\t", "no_such_thing"]) assert.deepEqual(search(text), []);
});

test("hostile words are words", () => {
  const hostile = ["(", "[a-", "\\", "__proto__", "constructor", "a".repeat(10_000)];
  for (const text of hostile) assert.deepEqual(search(text), []);
});

test("an excerpt holds the word between whole words", () => {
  const text = `${"before ".repeat(20)}needle ${"after ".repeat(20)}`.trim();
  const cut = excerpt(text, "needle", 10);
  assert.match(cut, /^… (before )+needle( after)+ …$/);
  assert.equal(excerpt("needle", "needle"), "needle");
  assert.equal(excerpt("hay", "needle"), "");
  assert.ok(excerpt("x".repeat(5000), "xxx", 10).length < 60);
});

function example(id: string, title: string, more: Partial<Example> = {}): Example {
  const path = "/ws/v1/devices/inventory";
  const request = { method: "GET", path, path_values: {}, params: [], headers: [], body: "", content_type: "" };
  return { id, title, doc: "", group: "Devices", operation: `GET ${path}`, request, writes: false, first: [], ...more };
}

test("examples are found by title, text, group, path and query; titles come first", () => {
  const base = example("x", "x").request;
  const query = { name: "query", value: "signal_percent < 30", on: true };
  const some = [
    example("a", "List devices", { doc: "One page, as of a weak signal." }),
    example("b", "Weak signal", { request: { ...base, params: [query] } }),
    example("c", "Reboot", { group: "Commands", operation: "POST /ws/sci reboot" }),
  ];
  const ids = (text: string) => findExamples(some, text).map(({ id }) => id);
  assert.deepEqual(ids("weak SIGNAL"), ["b", "a"]);
  assert.deepEqual(ids("signal_percent"), ["b"]);
  assert.deepEqual(ids("inventory weak page"), ["a"]);
  assert.deepEqual(ids("commands sci"), ["c"]);
  for (const none of ["", "  ", "weak nothing"]) assert.deepEqual(ids(none), []);
});
