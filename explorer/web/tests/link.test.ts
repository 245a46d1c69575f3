import assert from "node:assert/strict";
import { test } from "node:test";

import { fragment, isMasked, restored } from "../src/link.ts";
import type { Composed } from "../src/types.ts";

const REQUEST: Composed = {
  method: "POST",
  path: "/ws/v1/devices/inventory/{id}",
  path_values: { id: "00000000-00000000-00409DFF-FF000001" },
  params: [
    { name: "query", value: "name = 'ä & # % +\u{1F600}'", on: true },
    { name: "size", value: "", on: false },
  ],
  headers: [{ name: "X-Note", value: "a b" }],
  body: '{"id": 12345678901234567890,\r\n "name": "x"}',
  content_type: "application/json",
};

test("a link gives the request back as it was", () => {
  assert.deepEqual(restored(fragment(REQUEST)), REQUEST);
});

test("half a character survives a link", () => {
  const odd = { ...REQUEST, body: "a\ud800b" };
  assert.deepEqual(restored(fragment(odd)), odd);
});

test("what has to be typed again is seen", () => {
  assert.ok(!isMasked(REQUEST));
  assert.ok(isMasked({ ...REQUEST, body: '{"password": "***"}' }));
});

const HOSTILE = [
  "",
  "#",
  "#request",
  "#request=",
  "#request=null",
  "#request=[]",
  "#request=%",
  "#request=%7B",
  "#other=1",
  '#request={"method":"GET"}',
  '#request={"method":1,"path":"/ws"}',
  '#request={"method":"GET","path":"/ws","params":{}}',
  '#request={"method":"GET","path":"/ws","params":[{"name":"a","value":1,"on":true}]}',
  '#request={"method":"GET","path":"/ws","params":[null]}',
  '#request={"method":"GET","path":"/ws","headers":[{"name":"a"}]}',
  '#request={"method":"GET","path":"/ws","path_values":{"a":{}}}',
  `#request=${"[".repeat(100_000)}`,
  `#request={"method":"GET","path":"/ws","params":[${'{"name":"a","value":"","on":true},'.repeat(2000)}{}]}`,
];

for (const hash of HOSTILE) {
  test(`no request: ${hash.slice(0, 70)}`, () => assert.equal(restored(hash), null));
}

test("what is missing is empty, and what is unknown is left out", () => {
  const found = restored('#request={"method":"get","path":"/ws","__proto__":{"x":1},"constructor":1,"evil":2}');
  assert.deepEqual(found, {
    method: "GET",
    path: "/ws",
    path_values: {},
    params: [],
    headers: [],
    body: "",
    content_type: "",
  });
});
