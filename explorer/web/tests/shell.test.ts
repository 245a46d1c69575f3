import assert from "node:assert/strict";
import { test } from "node:test";

import { everything, inShort, refreshIn, tightest } from "../src/shell/allowance.ts";
import { clamp, DEFAULTS, LIMITS, moved, read } from "../src/shell/sizes.ts";
import type { Gauge } from "../src/types.ts";

const gauge = (left: number, short: number, more: Partial<Gauge> = {}): Gauge => ({
  windows: [
    { seconds: 60, limit: 240, left, free_in: left === 240 ? 0 : 40 },
    { seconds: 10, limit: 40, left: short, free_in: short === 40 ? 0 : 3.2 },
  ],
  concurrent: { limit: 4, left: 4 },
  paused: 0,
  ...more,
});

test("sizes that were kept come back, and anything else is the default", () => {
  assert.deepEqual(read('{"nav":30,"request":50,"rows":60}'), { nav: 30, request: 50, rows: 60 });
  assert.deepEqual(read('{"nav":"30","request":null,"rows":1e999}'), DEFAULTS);
  for (const text of [null, "", "null", "7", "[", '"x"', "[]"]) assert.deepEqual(read(text), DEFAULTS);
  assert.equal(read('{"nav":99}').nav, LIMITS.nav[1]);
});

test("a splitter moves by keys along its axis, within its limits", () => {
  assert.equal(moved("nav", 24, "ArrowRight", true), 26);
  assert.equal(moved("nav", 24, "ArrowLeft", true), 22);
  assert.equal(moved("nav", 24, "ArrowDown", true), null);
  assert.equal(moved("rows", 50, "ArrowDown", false), 52);
  assert.equal(moved("rows", 50, "Home", false), LIMITS.rows[0]);
  assert.equal(moved("rows", 50, "End", false), LIMITS.rows[1]);
  assert.equal(moved("rows", 70, "Enter", false), DEFAULTS.rows);
  assert.equal(clamp("nav", -3), LIMITS.nav[0]);
});

test("the gauge shows the limit that is nearest", () => {
  assert.equal(tightest(gauge(200, 5))?.seconds, 10);
  assert.equal(tightest(gauge(20, 38))?.seconds, 60);
  assert.equal(tightest(gauge(240, 40))?.seconds, 10);
  assert.equal(tightest({ ...gauge(1, 1), windows: [] }), null);
});

test("the gauge says over which time its number is", () => {
  const [long, short] = gauge(235, 40).windows;
  assert.equal(inShort(gauge(235, 40), long!), "235 of 240 left in 60 s");
  assert.equal(inShort(gauge(235, 40), short!), "40 of 40 left in 10 s");
  assert.equal(inShort(gauge(235, 40, { paused: 1.2 }), short!), "paused for 2 s");
});

test("a gauge is looked at again while it fills, neither often nor late", () => {
  assert.equal(refreshIn(gauge(240, 40)), null);
  assert.equal(refreshIn(gauge(240, 39)), 3.2);
  assert.equal(refreshIn(gauge(100, 39)), 15);
  assert.equal(refreshIn(gauge(240, 40, { concurrent: { limit: 4, left: 3 } })), 2);
  assert.equal(refreshIn(gauge(240, 40, { paused: 7 })), 7);
  assert.equal(refreshIn(gauge(240, 40, { paused: 900 })), 15);
});

test("every limit is told in a line", () => {
  assert.deepEqual(everything(gauge(239, 0, { paused: 1.5 })), [
    "239 of 240 in 60 s",
    "0 of 40 in 10 s; the next in 4 s",
    "4 of 4 at the same time",
    "The service asked to wait: 2 s more",
  ]);
});
