import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { chosenColumns, everyColumn, firstColumns, widths, withColumns } from "../src/answer/columns.ts";
import { parse } from "../src/answer/json.ts";
import { cell, csvRows, jsonOf, rowsOf, type Row } from "../src/answer/rows.ts";
import { pressed, sorted } from "../src/answer/sort.ts";

const JSON_BODY = { kind: "json", shortened: false, rows: null, items: null };
const bearing = (text: string | null, more = {}) => ({ ...JSON_BODY, text, ...more });

test("the records of an answer are found where the server says, and else where they must be", () => {
  assert.deepEqual(rowsOf(bearing('{"count": 1, "list": [{"id": 1}]}', { items: "list" })), [{ id: 1 }]);
  assert.deepEqual(rowsOf(bearing('[{"a": 1}, 2]')), [{ a: 1 }, { value: 2 }]);
  assert.deepEqual(rowsOf(bearing('{"operations": [{"a": 1}], "count": 1, "cursor": "x"}')), [{ a: 1 }]);
  assert.deepEqual(rowsOf(bearing('{"count": 0, "list": []}')), []);
  assert.equal(rowsOf(bearing('{"a": [{}], "b": [{}]}')), null);
  assert.equal(rowsOf(bearing('{"id": 1}')), null);
  assert.deepEqual(rowsOf(bearing("a,b", { kind: "csv", rows: [{ a: "1" }] })), [{ a: "1" }]);
});

test("a record that holds a list is no list of what is nested in it", () => {
  const object = '{"customer_id": 7493, "id": 4, "name": "x", "steps": [{"type": "reboot"}]}';
  assert.equal(rowsOf(bearing(object)), null);
  assert.equal(rowsOf(bearing('{"operations": [{"a": 1}], "tags": ["x"]}')), null);
  assert.equal(rowsOf(bearing('{"steps": "reboot"}')), null);
});

test("CSV has its records by its text alone, unless it is only the beginning", () => {
  const csv = { kind: "csv" };
  assert.deepEqual(rowsOf(bearing("a,b\n1,2\n", csv)), [{ a: "1", b: "2" }]);
  assert.equal(rowsOf(bearing("a,b\n1,", { ...csv, shortened: true })), null);
});

test("an answer that is not what it says, or is shortened, has no records and no value", () => {
  const list = '[{"a": 1}]';
  const cut = bearing(list, { shortened: true });
  for (const one of [bearing("{"), bearing(null), cut, bearing(list, { kind: "text" })]) {
    assert.equal(rowsOf(one), null);
    assert.equal(jsonOf(one), undefined);
  }
});

test("an answer is read once", () => {
  const one = bearing('[{"a": 1}]');
  assert.equal(rowsOf(one), rowsOf(one));
});

test("CSV is read by RFC 4180", () => {
  // By the same rule as the server counts them.
  const cases = readFileSync(new URL("support/csv.json", import.meta.url), "utf8");
  for (const { text, rows } of JSON.parse(cases) as { text: string; rows: Row[] }[]) {
    assert.deepEqual(csvRows(text), rows, JSON.stringify(text));
  }
  assert.deepEqual(csvRows("a\n1,2"), [{ a: "1", "column 2": "2" }]);
  assert.deepEqual(csvRows("a,b\n1,"), [{ a: "1", b: "" }]);
  assert.deepEqual(csvRows('a,b\n"a"b,"c'), [{ a: "ab", b: "c" }]);
  assert.deepEqual(csvRows(""), []);
  // A cell of a service may be longer than a browser's expressions go back.
  const long = `x""\r\n,`.repeat(200_000);
  assert.equal(csvRows(`a,b\n"${long}",2\n`)[0]!.a, long.replaceAll('""', '"'));
});

const DEVICES: Row[] = [
  { alerts: 0, capabilities: { a: true }, channels_uri: "/x", empty: "", id: "d1", name: "B" },
  { alerts: 2, capabilities: { a: true }, channels_uri: "/y", empty: null, id: "d2", name: "a", zone: "z" },
];

test("columns that say which record it is come first, all others as the server has them", () => {
  assert.deepEqual(everyColumn(DEVICES), ["name", "id", "alerts", "capabilities", "channels_uri", "empty", "zone"]);
});

test("of many columns, filled and plain ones are shown at first", () => {
  const wide = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${at}`, at < 12 ? "" : "x"]));
  const shown = firstColumns([{ ...wide, nested: { a: 1 }, id: 1 }]);
  assert.deepEqual(shown.slice(0, 2), ["id", "f0"]);
  assert.equal(shown.length, 12);
  for (let at = 12; at < 20; at += 1) assert.ok(shown.includes(`f${at}`));
  assert.ok(shown.includes("nested"));
});

test("a column that is seldom nested is shown before one that mostly is", () => {
  const wide = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`f${at}`, "x"]));
  const row = (mostly: unknown, half: unknown) => ({ id: 1, ...wide, mostly, half });
  const shown = firstColumns([row({}, {}), row({}, "x"), row("x", "x"), row({}, {})]);
  assert.deepEqual([shown.length, shown.includes("half"), shown.includes("mostly")], [12, true, false]);
});

test("a choice of columns is kept for its path; what else may be stored there harms nobody", () => {
  let kept: string | null = withColumns(null, "/a", ["id"]);
  kept = withColumns(kept, "__proto__", ["x"]);
  assert.deepEqual(chosenColumns(kept, "/a"), ["id"]);
  assert.equal(chosenColumns(kept, "/b"), null);
  assert.equal(chosenColumns(withColumns(kept, "/a", null), "/a"), null);
  for (const odd of ["", "null", "[]", '{"/a": 1}', '{"/a": [1]}', "{"]) assert.equal(chosenColumns(odd, "/a"), null);
  for (let at = 0; at < 150; at += 1) kept = withColumns(kept, `/${at}`, ["id"]);
  assert.equal(Object.keys(JSON.parse(kept!) as object).length, 100);
  assert.deepEqual(chosenColumns(kept, "/149"), ["id"]);
  kept = withColumns(kept, "/50", ["name"]);
  assert.deepEqual(Object.keys(JSON.parse(kept) as object).at(-1), "/50");
  kept = withColumns(kept, "/new", ["id"]);
  assert.deepEqual([chosenColumns(kept, "/50"), chosenColumns(kept, "/51")], [["name"], null]);
});

test("widths follow the texts, within limits", () => {
  const [narrow, wide] = widths([{ a: "x", b: "y".repeat(500) }], ["a", "b"]);
  assert.ok(narrow! >= 60 && narrow! < wide! && wide! <= 340);
});

const by = (column: string, rows: Row[], down = false) => sorted(rows, { column, down }).map((row) => row[column]);

test("numbers sort by size, texts as people do, empty ones last in either direction", () => {
  const values = (list: unknown[]) => list.map((n) => ({ n }));
  assert.deepEqual(by("n", values([10, 9, null, 2.5])), [2.5, 9, 10, null]);
  assert.deepEqual(by("n", values([10, 9, null, 2.5]), true), [10, 9, 2.5, null]);
  assert.deepEqual(by("n", values(["v10", "v9", "", "V9", undefined])), ["v9", "V9", "v10", "", undefined]);
  assert.deepEqual(by("n", values(["x", 3, true])), [3, true, "x"]);
});

test("numbers beyond a double sort by their digits", () => {
  const numbers = ["12345678901234567892", "12345678901234567890", "12345678901234567891"];
  const rows = parse(`[${numbers.map((n) => `{"n": ${n}}`).join()}]`) as Row[];
  assert.deepEqual(by("n", rows).map(String), [
    "12345678901234567890",
    "12345678901234567891",
    "12345678901234567892",
  ]);
});

test("a column named as something that every object has is a column like any other", () => {
  assert.deepEqual(sorted([{}, { toString: "x" }] as Row[], { column: "toString", down: false }), [{ toString: "x" }, {}] as Row[]);
  assert.equal(cell({}, "constructor"), undefined);
});

test("equal records stay as they came, in both directions", () => {
  const rows = [{ k: 1, at: 0 }, { k: 1, at: 1 }, { k: 0, at: 2 }];
  assert.deepEqual(sorted(rows, { column: "k", down: true }).map(({ at }) => at), [0, 1, 2]);
  assert.deepEqual(sorted(rows, { column: "k", down: false }).map(({ at }) => at), [2, 0, 1]);
  assert.equal(sorted(rows, null), rows);
});

test("a column's head is pressed: up, down, as it came", () => {
  const up = pressed(null, "a");
  const down = pressed(up, "a");
  assert.deepEqual([up, down, pressed(down, "a")], [{ column: "a", down: false }, { column: "a", down: true }, null]);
  assert.deepEqual(pressed(down, "b"), { column: "b", down: false });
});
