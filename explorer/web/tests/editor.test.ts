import assert from "node:assert/strict";
import { test } from "node:test";

import { change } from "../src/editor/change.ts";
import { mended, mendLabel } from "../src/editor/mend.ts";
import { indented, syntaxOf } from "../src/editor/syntax.ts";

const TEXTS = ["", "a", "aa", "aba", "abab", "bab", "name = 'x'", "name = 'xx'", "\u{1F600}", "\u{1F601}"];

test("a change makes one text the other", () => {
  for (const before of TEXTS) {
    for (const after of TEXTS) {
      const made = change(before, after);
      if (made === null) assert.equal(before, after);
      else assert.equal(before.slice(0, made.from) + made.insert + before.slice(made.to), after);
    }
  }
});

test("a change touches no more than it has to", () => {
  assert.deepEqual(change("name == 'x'", "name = 'x'"), { from: 6, to: 7, insert: "" });
  assert.deepEqual(change("ab", "axb"), { from: 1, to: 1, insert: "x" });
});

test("a mend is named by what it puts there", () => {
  assert.equal(mendLabel("connected"), "Mend: connected");
  assert.equal(mendLabel(""), "Mend: leave it out");
  assert.equal(mendLabel(" "), "Mend: a blank");
  assert.equal(mendLabel("x".repeat(100)).length, "Mend: ".length + 61);
});

test("a mend takes the place of its fault", () => {
  assert.equal(mended("a == 1", { start: 2, end: 4, suggestion: "=" }), "a = 1");
  assert.equal(mended("a  = 1", { start: 1, end: 2, suggestion: "" }), "a = 1");
  assert.equal(mended("a =", { start: 3, end: 3, suggestion: " 1" }), "a = 1");
});

test("a body's syntax is its media type's, else the path's", () => {
  const cases: [string, string, string][] = [
    ["", "/ws/v1/devices/inventory", "json"],
    ["", "/ws/sci", "xml"],
    ["", "/ws/DeviceCore", "xml"],
    ["application/json; charset=utf-8", "/ws/sci", "json"],
    ["application/problem+json", "/ws/sci", "json"],
    ["text/xml", "/ws/v1/x", "xml"],
    ["text/csv", "/ws/v1/x", "text"],
  ];
  for (const [type, path, syntax] of cases) assert.equal(syntaxOf(type, path), syntax, `${type} ${path}`);
});

test("indenting changes blanks alone", () => {
  const text = '{"a":12345678901234567890,"b":[],"c":{},"d":[1,{"e":"x, {y}: \\" [z]"}],"f":1.50}';
  const made = indented(text)!;
  assert.equal(made.replace(/\n */g, "").replace(/": /g, '":'), text.replace(/": /g, '":'));
  assert.equal(made, indented(made));
  assert.equal(indented('{"b": [], "a": [1]}'), '{\n  "b": [],\n  "a": [\n    1\n  ]\n}');
  assert.equal(indented('"x"'), '"x"');
  assert.equal(indented("{nothing"), null);
});
