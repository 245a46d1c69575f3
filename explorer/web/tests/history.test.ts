import assert from "node:assert/strict";
import { test } from "node:test";

import { marked, merged, when } from "../src/history/entries.ts";
import { changes } from "../src/history/lines.ts";
import type { HistoryEntry } from "../src/types.ts";
import { entry } from "./support/local.ts";

const ids = (list: readonly HistoryEntry[]) => list.map(({ id }) => id);

test("a look at the head brings new calls, and keeps the older ones that were listed", () => {
  assert.deepEqual(ids(merged([entry(9), entry(8)], [entry(8), entry(7), entry(6)])), [9, 8, 7, 6]);
  assert.equal(merged([entry(8, 3)], [entry(8)])[0]!.pages, 3);
});

test("calls that were forgotten elsewhere go", () => {
  assert.deepEqual(ids(merged([entry(9), entry(7)], [entry(9), entry(8), entry(7), entry(5)])), [9, 7, 5]);
  assert.deepEqual(merged([], [entry(3)]), []);
});

test("two calls at most are marked for comparing: the last two", () => {
  assert.deepEqual(marked([], 1, true), [1]);
  assert.deepEqual(marked([1, 2], 3, true), [2, 3]);
  assert.deepEqual(marked([1, 2], 1, false), [2]);
  assert.deepEqual(marked([1], 1, true), [1]);
});

test("times of today have no day", () => {
  const now = new Date("2026-11-21T20:00:00Z");
  assert.equal(when("2026-11-21T18:03:07Z", now, "UTC"), "18:03:07");
  assert.equal(when("2026-11-20T18:03:07Z", now, "UTC"), "2026-11-20 18:03:07");
  assert.equal(when("some day", now, "UTC"), "some day");
});

/** `a` with the changes made: it has to be `b`. */
function patched(a: string, b: string): string {
  let [out, at] = ["", 0];
  for (const { fromA, toA, fromB, toB } of changes(a, b)) {
    assert.ok(fromA >= at && toA >= fromA && toB >= fromB);
    out += a.slice(at, fromA) + b.slice(fromB, toB);
    at = toA;
  }
  return out + a.slice(at);
}

test("the changes from one text to another lead there", () => {
  const texts = ["", "a", "a\n", "a\nb\nc", "a\nx\nc", "c\nb\na", "a\nb\nc\n", "\n\n", "b\nc\nd\n\nü😀"];
  for (const a of texts) for (const b of texts) assert.equal(patched(a, b), b);
  for (const a of texts) assert.deepEqual(changes(a, a), []);
});

test("long answers that differ in a few places differ in those only", () => {
  const lines = Array.from({ length: 40_000 }, (_, at) => (at % 4 ? `  "key ${at % 50}": 1,` : `  "id": ${at},`));
  const other = lines.with(3, "new").with(20_000, "new too").with(39_999, "and new");
  const found = changes(lines.join("\n"), other.join("\n"));
  assert.equal(patched(lines.join("\n"), other.join("\n")), other.join("\n"));
  assert.ok(found.reduce((sum, { fromA, toA }) => sum + toA - fromA, 0) < 200);
});

test("texts of more different lines than are told apart are compared all the same", () => {
  const lines = Array.from({ length: 70_000 }, (_, at) => String(at));
  const other = lines.with(69_000, "new");
  assert.equal(patched(lines.join("\n"), other.join("\n")), other.join("\n"));
});
