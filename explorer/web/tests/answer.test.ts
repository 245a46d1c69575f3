import assert from "node:assert/strict";
import { test } from "node:test";

import { problemHint, statusHint } from "../src/answer/hints.ts";
import { Exact, isNested, numberIn, ordered, parse, plain, pretty, write } from "../src/answer/json.ts";
import { CHUNK, firstOpen, listed, move, ROOT } from "../src/answer/nodes.ts";
import { bytes, duration, many } from "../src/answer/words.ts";
import { prettyXml } from "../src/answer/xml.ts";
import type { ProblemKind } from "../src/types.ts";

test("numbers that a double would change keep their digits", () => {
  const text = '{"id": 12345678901234567890, "small": 7, "share": 0.1, "fine": 0.12345678901234567890, "huge": 1e400}';
  const value = parse(text) as Record<string, unknown>;
  assert.ok(value.id instanceof Exact);
  assert.equal(plain(value.id), "12345678901234567890");
  assert.equal(value.small, 7);
  assert.equal(value.share, 0.1);
  assert.equal(plain(value.fine), "0.12345678901234567890");
  assert.equal(plain(value.huge), "1e400");
  assert.equal(write(value.id), "12345678901234567890");
});

test("numbers that a double holds stay numbers, however they are spelled", () => {
  assert.deepEqual(parse("[9007199254740991, 1.50, 100e-002, 1e100, -0.000000000000001]"), [
    9007199254740991, 1.5, 1, 1e100, -1e-15,
  ]);
});

test("digits within a text are no number", () => {
  assert.deepEqual(parse('{"mac": "00000000000000000000"}'), { mac: "00000000000000000000" });
});

test("JSON is laid out letter for letter", () => {
  const text = '{"a":[1,2.50,{"b":"x, {y}: \\"z\\""}],"a":{},"n":12345678901234567890,"e":[ ]}';
  const shown = pretty(text);
  assert.equal(
    shown,
    [
      "{",
      '  "a": [',
      "    1,",
      "    2.50,",
      "    {",
      '      "b": "x, {y}: \\"z\\""',
      "    }",
      "  ],",
      '  "a": {},',
      '  "n": 12345678901234567890,',
      '  "e": []',
      "}",
    ].join("\n"),
  );
  assert.equal(pretty(shown), shown);
});

test("what is no JSON is left as it came", () => {
  for (const text of ['{"a": ', "]", "<html>[", '{"a": "x', ""]) assert.equal(pretty(text), text);
});

test("the beginning of JSON or XML is laid out as far as it goes", () => {
  assert.equal(pretty('{"a":[1,"half a te', true), '{\n  "a": [\n    1,\n    "half a te');
  assert.equal(prettyXml("<a><b>1</b><c", true), "<a>\n  <b>1</b>\n  <c");
});

test("deeply nested JSON is laid out, and harms nobody", () => {
  const text = "[".repeat(20_000) + "]".repeat(20_000);
  assert.ok(pretty(text).startsWith("[\n  ["));
  assert.equal(typeof ordered(text), "string");
  assert.equal(typeof write(parse(text)), "string");
});

test("answers to compare have their keys in order, and their digits", () => {
  const text = '{"b": {"d": 1, "c": 12345678901234567890}, "a": [{"z": 1, "y": 2}], "__proto__": 3}';
  const keys = [...ordered(text).matchAll(/"([^"]+)":/g)].map(([, key]) => key);
  assert.deepEqual(keys, ["__proto__", "a", "y", "z", "b", "c", "d"]);
  assert.match(ordered(text), /12345678901234567890/);
  assert.equal(ordered("no json"), "no json");
});

test("XML is laid out one element a line, those with text on one", () => {
  const text = '<?xml version="1.0"?><result><a id="x>y">some <b/> text</a><c/>\n<d><e>1 &lt; 2</e></d></result>';
  assert.equal(
    prettyXml("<r><d><e>1 &lt; 2</e><f/></d><g></g></r>"),
    ["<r>", "  <d>", "    <e>1 &lt; 2</e>", "    <f/>", "  </d>", "  <g></g>", "</r>"].join("\n"),
  );
  assert.equal(prettyXml(text).replace(/\s/g, ""), text.replace(/\s/g, ""));
  for (const broken of ["<a><b>", "</a>", "a < b"]) assert.equal(prettyXml(broken), broken);
});

test("a number in a text counts as one", () => {
  assert.equal(numberIn("20.6"), 20.6);
  assert.equal(numberIn(" -1e3 "), -1000);
  assert.equal(numberIn(new Exact("12345678901234567890")), 12345678901234567000);
  for (const none of ["", "0x10", "1,5", "Infinity", null, true, [1]]) assert.equal(numberIn(none), null);
});

test("the tree lists only what is open", () => {
  const value = { count: 2, list: [{ id: "a", tags: [] }, { id: "b" }] };
  const rows = listed(value, firstOpen(value));
  assert.deepEqual(
    rows.map(({ key, level, open, text }) => [key, level, open, text]),
    [
      ["body", 1, true, "{2 keys}"],
      ["count", 2, null, "2"],
      ["list", 2, true, "[2 items]"],
      ["0", 3, true, "{2 keys}"],
      ["id", 4, null, '"a"'],
      ["tags", 4, null, "[0 items]"],
      ["1", 3, false, "{1 key}"],
    ],
  );
  assert.equal(listed(value, new Set()).length, 1);
});

test("long lists come in chunks", () => {
  const list = Array.from({ length: 2 * CHUNK + 5 }, (_, at) => at);
  const closed = listed(list, new Set([ROOT]));
  assert.deepEqual(
    closed.slice(1).map(({ key, position, of }) => [key, position, of]),
    [
      ["0 … 99", 1, 3],
      ["100 … 199", 2, 3],
      ["200 … 204", 3, 3],
    ],
  );
  const opened = listed(list, new Set([ROOT, closed[3]!.id]));
  assert.deepEqual(opened.slice(4).map(({ key, value }) => [key, value]), [
    ["200", 200],
    ["201", 201],
    ["202", 202],
    ["203", 203],
    ["204", 204],
  ]);
});

test("ids are one per node, whatever the keys", () => {
  const value = { "a,b": [1], a: { b: 1 }, "0": { "0": [2] } };
  const ids: string[] = [];
  const open = new Set<string>();
  for (let rows = listed(value, open); rows.some((row) => row.open === false); rows = listed(value, open)) {
    rows.filter((row) => row.open === false).forEach((row) => open.add(row.id));
  }
  for (const row of listed(value, open)) ids.push(row.id);
  assert.equal(new Set(ids).size, ids.length);
});

test("arrow keys walk a tree, open and shut it", () => {
  const value = { a: { b: 1 }, c: 2 };
  const rows = listed(value, new Set([ROOT]));
  assert.deepEqual(move(rows, 1, "ArrowRight"), { at: 1, toggle: rows[1]!.id });
  assert.deepEqual(move(rows, 1, "ArrowLeft"), { at: 0 });
  assert.deepEqual(move(rows, 0, "ArrowLeft"), { at: 0, toggle: ROOT });
  assert.deepEqual(move(rows, 0, "ArrowRight"), { at: 1 });
  assert.deepEqual(move(rows, 2, "ArrowRight"), { at: 2 });
  assert.deepEqual(move(rows, 2, "ArrowDown"), { at: 2 });
  assert.deepEqual(move(rows, 2, "Home"), { at: 0 });
  assert.deepEqual(move(rows, 0, "End"), { at: 2 });
  assert.equal(move(rows, 0, "Tab"), null);
  assert.equal(move([], 0, "End"), null);
});

test("every problem has a hint; those that a button mends have the button", () => {
  const kinds: ProblemKind[] = [
    "session", "unreachable", "transport", "credentials", "locked", "confirm", "invalid", "aborted", "internal",
  ];
  for (const kind of kinds) assert.ok(problemHint({ kind, message: "m" }, { method: "GET" }).title);
  assert.equal(problemHint({ kind: "locked", message: "m" }, { method: "PUT" }).way, "writes");
  assert.match(problemHint({ kind: "aborted", message: "" }, { method: "POST" }).text, /look before you send it again/);
  assert.equal(problemHint({ kind: "aborted", message: "" }, { method: "get" }).text, "");
});

test("an answer that is no success says what may help", () => {
  const of = (status: number, headers: [string, string][] = [], media_type = "") =>
    statusHint({ status, headers, media_type });
  assert.equal(of(200), null);
  assert.equal(of(404), null);
  assert.equal(of(401)?.way, "credentials");
  assert.match(of(429, [["Retry-After", "7"]])!.text, /wait 7 s/);
  assert.match(of(504, [], "text/html")!.text, /never run/);
});

test("sizes, times and counts as people read them", () => {
  assert.deepEqual([999, 12_345, 50_000_000, 2e9].map(bytes), ["999 B", "12.3 kB", "50.0 MB", "2.0 GB"]);
  assert.deepEqual([4.6, 1240].map(duration), ["5 ms", "1.24 s"]);
  assert.deepEqual([many(1, "record"), many(2000, "record"), many(2, "try", "tries")], [
    "1 record",
    "2,000 records",
    "2 tries",
  ]);
  assert.equal(isNested(new Exact("1")), false);
});
