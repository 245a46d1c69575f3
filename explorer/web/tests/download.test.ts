import assert from "node:assert/strict";
import { test } from "node:test";

import { asCsv, asItCame, asJson, asJsonLines, fileName } from "../src/answer/download.ts";
import { parse } from "../src/answer/json.ts";
import { csvRows, type Row } from "../src/answer/rows.ts";

const TEXT = '[{"id": 12345678901234567890, "name": "a, \\"b\\"", "tags": ["x"], "none": null}, {"id": 1}]';
const ROWS = parse(TEXT) as Row[];

test("JSON and JSON lines hold what came, digit for digit", () => {
  assert.deepEqual(parse(asJson(ROWS)), ROWS);
  assert.deepEqual(asJsonLines(ROWS).trim().split("\n").map(parse), ROWS);
  assert.match(asJson(ROWS), /12345678901234567890/);
  assert.match(asJsonLines(ROWS), /^\{"id":12345678901234567890,/);
  assert.equal(asJsonLines(ROWS).split("\n").length, 3);
});

test("CSV is written by RFC 4180, nested values as JSON", () => {
  assert.equal(
    asCsv(ROWS),
    'name,id,tags,none\r\n"a, ""b""",12345678901234567890,"[""x""]",\r\n,1,,\r\n',
  );
});

test("texts that a spreadsheet would run are held back; numbers are not", () => {
  const value = (one: unknown) => asCsv([{ value: one }]).split("\r\n")[1];
  assert.equal(value("=1+1"), "'=1+1");
  assert.equal(value("@SUM(A1)"), "'@SUM(A1)");
  assert.equal(value("+cmd|' /C calc'!A0"), "'+cmd|' /C calc'!A0");
  assert.equal(value("\tx"), "'\tx");
  assert.equal(value("-12.5"), "-12.5");
  assert.equal(value(-12.5), "-12.5");
  assert.equal(asCsv([{ "=x": 1 }]), "'=x\r\n1\r\n");
});

test("what is written as CSV is read back", () => {
  const rows = [{ a: "x\r\ny", b: '"', c: "," }, { a: "", b: " ", c: "ü€" }];
  assert.deepEqual(csvRows(asCsv(rows)), rows);
});

test("a record without a column, and one named as an object's own, are cells like any other", () => {
  assert.equal(asCsv([{ a: 1 }], ["a", "toString"]), "a,toString\r\n1,\r\n");
});

test("what saves one page of several says so", () => {
  assert.deepEqual([asItCame(0, 1), asItCame(3, 4)], ["As it came", "As it came (page 4 of 4)"]);
});

test("files are named by the path", () => {
  assert.equal(fileName("/ws/v1/devices/inventory?size=5", "csv"), "devices-inventory.csv");
  assert.equal(fileName("/ws/DeviceCore", "json"), "DeviceCore.json");
  assert.equal(fileName("/ws/v1/../../etc", "json"), "etc.json");
  assert.equal(fileName("/", "json"), "answer.json");
});
