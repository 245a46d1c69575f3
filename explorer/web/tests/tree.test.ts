import assert from "node:assert/strict";
import { test } from "node:test";

import { act, filtered, prefix, rows, tree, typedTo, way } from "../src/browse/tree.ts";
import { catalog } from "./support/catalog.ts";

const nodes = tree(catalog);
const all = () => rows(nodes, () => true);
const ids = (some: ReturnType<typeof all>) => some.map(({ node }) => node.id);

test("an operation is named by what tells it from its neighbours", () => {
  const devices = nodes[0]!.children[0]!;
  assert.deepEqual(
    devices.children.map(({ label }) => label),
    ["/devices", "/inventory", "/inventory", "/inventory/{id}"],
  );
  for (const { id, before, label, operation } of devices.children) {
    assert.equal(`${operation?.method} ${before}${label}`, id);
  }
  const sci = nodes[1]!.children[0];
  assert.deepEqual(sci?.children.map(({ label }) => label), ["reboot", "query_state"]);
});

test("paths share whole segments only", () => {
  assert.equal(prefix(["/ws/v1/device_logs", "/ws/v1/devices"]), "/ws/v1");
  assert.equal(prefix(["/ws/v1/a", "/ws/v1/a/b"]), "/ws/v1/a");
  assert.equal(prefix(["/ws", "/other"]), "");
  assert.equal(prefix([]), "");
});

test("rows know their level, place and parent", () => {
  const row = all().find(({ node }) => node.id === "GET /ws/v1/devices/inventory")!;
  assert.deepEqual([row.level, row.place, row.among, row.open], [3, 2, 4, null]);
  assert.equal(row.parent?.id, "v1/devices");
  assert.deepEqual(ids(rows(nodes, () => false)), ["v1", "sci"]);
  assert.deepEqual(ids(rows(nodes, (id) => id === "v1")), ["v1", "v1/devices", "v1/streams", "sci"]);
});

test("a filtered tree keeps the way to each hit, and nothing else", () => {
  const kept = filtered(nodes, new Set(["POST /ws/sci reboot"]));
  assert.deepEqual(ids(rows(kept, () => true)), ["sci", "sci/sci", "POST /ws/sci reboot"]);
  assert.deepEqual(filtered(nodes, new Set()), []);
  assert.equal(nodes[0]!.children.length, 2);
});

test("the way to an operation opens what holds it", () => {
  assert.deepEqual(way(nodes, "GET /ws/v1/devices/inventory"), ["v1", "v1/devices"]);
  assert.deepEqual(way(nodes, "POST /ws/sci reboot"), ["sci", "sci/sci"]);
  assert.deepEqual(way(nodes, "GET /nowhere"), []);
  const open = new Set(way(nodes, "POST /ws/sci reboot"));
  assert.ok(ids(rows(nodes, (id) => open.has(id))).includes("POST /ws/sci reboot"));
});

test("keys move as the ARIA pattern says", () => {
  const seen = rows(nodes, (id) => id === "v1");
  assert.deepEqual(act(seen, "v1", "ArrowDown"), { go: "v1/devices" });
  assert.deepEqual(act(seen, "v1", "ArrowRight"), { go: "v1/devices" });
  assert.deepEqual(act(seen, "v1", "ArrowLeft"), { shut: "v1" });
  assert.deepEqual(act(seen, "v1/devices", "ArrowRight"), { open: "v1/devices" });
  assert.deepEqual(act(seen, "v1/devices", "ArrowLeft"), { go: "v1" });
  assert.deepEqual(act(seen, "v1/devices", "End"), { go: "sci" });
  assert.deepEqual(act(seen, "sci", "Home"), { go: "v1" });
  for (const key of ["ArrowUp", "x", "Tab"]) assert.equal(act(seen, "v1", key), null);
  assert.equal(act(seen, "sci", "ArrowDown"), null);
  assert.equal(act(seen, "nowhere", "Enter"), null);
  const leaf = act(all(), "POST /ws/sci reboot", "Enter");
  assert.ok(leaf && "choose" in leaf && leaf.choose.operation?.method === "POST");
  assert.equal(act(all(), "POST /ws/sci reboot", "ArrowRight"), null);
});

test("letters jump, and the same letter again goes on", () => {
  const seen = rows(nodes, (id) => !id.startsWith("v1/"));
  assert.equal(typedTo(seen, "v1", "s"), "v1/streams");
  assert.equal(typedTo(seen, "v1/streams", "ss"), "sci");
  assert.equal(typedTo(seen, "sci", "s"), "sci/sci");
  assert.equal(typedTo(seen, "v1", "Dev"), "v1/devices");
  assert.equal(typedTo(seen, "v1", "zz"), null);
  assert.equal(typedTo([], "", "a"), null);
});
