import assert from "node:assert/strict";
import { test } from "node:test";

import { readable, same } from "../src/answer/asked.ts";
import type { Composed } from "../src/types.ts";

const REQUEST: Composed = {
  method: "GET",
  path: "/ws/v1/devices/inventory/{id}",
  path_values: { id: "1" },
  params: [{ name: "query", value: "name = 'x'", on: true }],
  headers: [],
  body: "",
  content_type: "",
};

test("a request is the same while it sends the same", () => {
  const other = (change: Partial<Composed>) => same(REQUEST, { ...REQUEST, ...change });
  assert.ok(other({}));
  assert.ok(other({ params: [{ name: "size", value: "5", on: false }, ...REQUEST.params] }));
  assert.ok(other({ path_values: { id: "1", gone: "2" } }));
  assert.ok(other({ content_type: "application/json", headers: [{ name: "", value: "" }] }));
  assert.ok(!other({ path_values: { id: "2" } }));
  assert.ok(!other({ params: [] }));
  assert.ok(!other({ params: [{ ...REQUEST.params[0]!, value: "name = 'y'" }] }));
  assert.ok(!other({ method: "DELETE" }));
  assert.ok(!other({ body: "{}" }));
  assert.ok(!same({ ...REQUEST, body: "{}" }, { ...REQUEST, body: "{}", content_type: "text/plain" }));
});

test("an address is read as it was typed, however its blanks were written", () => {
  for (const query of ["connection_status+%3D+%27connected%27", "connection_status%20%3D%20%27connected%27"]) {
    assert.equal(readable(`/ws/v1/x?query=${query}&size=5`), "/ws/v1/x?query=connection_status = 'connected'&size=5");
  }
  assert.equal(readable("/ws/v1/a%2Fb"), "/ws/v1/a%2Fb");
  assert.equal(readable("/x?query=a+%3D+"), "/x?query=a =%20");
});

test("what would read as another address, or cannot be seen or decoded, stays as it is", () => {
  for (const part of ["a=1%262", "a=1%23", "a=%2B", "a=%25", "a=%00", "a=%E2%80%AE", "a=%FF", "a=x++y"]) {
    assert.equal(readable(`/x?${part}`), `/x?${part}`);
  }
});
