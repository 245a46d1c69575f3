import assert from "node:assert/strict";
import { test } from "node:test";

import { countable, counts } from "../src/answer/counting.ts";
import { bounds, degrees, framed, grid, places, spots } from "../src/answer/places.ts";
import { rounded, seriesOf, stretches, summary, ticks } from "../src/answer/series.ts";

test("values are counted, the most frequent first; each item of a list counts", () => {
  const rows = [{ s: "up", t: ["a", "b"] }, { s: "down", t: [] }, { s: "up", t: ["a"] }, { s: null }];
  assert.deepEqual(counts(rows, "s"), [
    { value: "up", count: 2 },
    { value: "", count: 1 },
    { value: "down", count: 1 },
  ]);
  assert.deepEqual(counts(rows, "t"), [
    { value: "", count: 2 },
    { value: "a", count: 2 },
    { value: "b", count: 1 },
  ]);
  assert.equal(counts([{ s: { a: 1 } }], "s"), null);
});

test("fields of 2 to 30 values can be counted, the usual ones first", () => {
  const rows = Array.from({ length: 40 }, (_, at) => ({
    all: at,
    one: "x",
    zone: at % 3,
    group: at % 2 ? "g" : "h",
    connection_status: at % 4 ? "connected" : "disconnected",
    deep: { at },
  }));
  assert.deepEqual(countable(rows, Object.keys(rows[0]!)), ["connection_status", "group", "zone"]);
  // A value for each record counts nothing.
  assert.deepEqual(countable(rows.slice(0, 2), ["all", "group"]), []);
});

test("positions are found as fields, as GeoJSON and as CSV's text", () => {
  const found = places([
    { name: "a", latitude: 44.5, longitude: "-92.5" },
    { id: "b", geoposition: { type: "Point", coordinates: [-92.5, 44.06] } },
    { geoposition: "44.1, -92.4" },
    { name: "off the earth", latitude: 91, longitude: 0 },
    { name: "nowhere", location: "Rochester, MN", latitude: "" },
  ]);
  assert.deepEqual(found, [
    { name: "a", latitude: 44.5, longitude: -92.5 },
    { name: "b", latitude: 44.06, longitude: -92.5 },
    { name: "(no name)", latitude: 44.1, longitude: -92.4 },
  ]);
});

test("the plot has room around its places, and stays on the earth", () => {
  const within = bounds([{ name: "pole", latitude: 90, longitude: 180 }]);
  assert.ok(within.north === 90 && within.east === 180 && within.south < 90 && within.west < 180);
});

test("the plot is to scale, and neither a ribbon nor a tower", () => {
  const scale = (south: number, north: number, west: number, east: number) => {
    const { within, height } = framed({ south, north, west, east }, 600, 200, 400);
    assert.ok(within.south <= south && within.north >= north && within.west <= west && within.east >= east);
    const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
    const [along, up] = [600 / ((within.east - within.west) * squeeze), height / (within.north - within.south)];
    assert.ok(Math.abs(along / up - 1) < 0.01);
    return height;
  };
  assert.equal(scale(44, 45, -100, 20), 200);
  assert.equal(scale(-40, 40, 10, 11), 400);
  assert.equal(scale(-10, 10, 0, 40), 300);
});

test("places that would cover each other are one spot", () => {
  const here = { latitude: 10, longitude: 10 };
  const found = [
    ...Array.from({ length: 8 }, (_, at) => ({ name: `d${at}`, ...here })),
    { name: "far", latitude: 20, longitude: 20 },
  ];
  const drawn = spots(found, bounds(found), 600, 400);
  assert.deepEqual(drawn.map(({ count, names }) => [count, names.length]), [[8, 5], [1, 1]]);
  assert.ok(drawn[0]!.x < drawn[1]!.x && drawn[0]!.y > drawn[1]!.y);
});

test("the plot's grid has few lines at round degrees", () => {
  assert.deepEqual(grid(-93.1, -89.9), [-93, -92, -91, -90]);
  assert.ok(grid(-180, 180).length <= 7);
  assert.ok(grid(10, 10.2).length >= 2);
  assert.deepEqual([degrees(-92.5, "E", "W"), degrees(44.067, "N", "S")], ["92.5° W", "44.07° N"]);
});

const AT = "2026-11-21T18:00:00.000Z";
const point = (minutes: number, value: unknown, stream_id = "s/temperature") => ({
  stream_id,
  timestamp: new Date(Date.parse(AT) + minutes * 60_000).toISOString(),
  value,
});

test("points become one series per stream, in order of time", () => {
  const other = [point(1, 1, "t"), point(2, 2, "t"), point(3, 2, "t")];
  const found = seriesOf([point(5, "20.5"), point(0, 19), point(9, "no number"), ...other]);
  assert.deepEqual(found.map(({ name, values, left }) => [name, values, left]), [
    ["t", [1, 2, 2], 0],
    ["s/temperature", [19, 20.5], 1],
  ]);
  assert.equal(found[1]!.times[0], Date.parse(AT));
});

test("records that are no points in time make no series", () => {
  assert.deepEqual(seriesOf([{ id: 1, name: "x" }, { id: 2 }]), []);
  assert.deepEqual(seriesOf([point(0, 1)]), []);
  assert.deepEqual(seriesOf([]), []);
});

test("a series is told in numbers, whole and in stretches", () => {
  const [series] = seriesOf(Array.from({ length: 100 }, (_, at) => point(at, at)));
  assert.deepEqual(summary(series!), {
    count: 100,
    from: Date.parse(AT),
    to: Date.parse(AT) + 99 * 60_000,
    lowest: 0,
    highest: 99,
    mean: 49.5,
    last: 99,
  });
  const parts = stretches(series!, 10);
  assert.equal(parts.length, 10);
  assert.equal(parts.reduce((sum, { count }) => sum + count, 0), 100);
  assert.deepEqual([rounded(3), rounded(20.123456), rounded(1 / 3)], ["3", "20.123", "0.33333"]);
});

test("a time axis says the day where it begins, else the time", () => {
  const at = Date.parse("2026-11-21T22:00:00Z") / 1000;
  assert.deepEqual(ticks([at, at + 3600, at + 7200], 3600), ["22:00\n21 Nov", "23:00", "00:00\n22 Nov"]);
  assert.deepEqual(ticks([at, at + 1], 1), ["22:00:00\n21 Nov", "22:00:01"]);
  assert.deepEqual(ticks([at + 7200], 86_400), ["22 Nov"]);
});

test("points at one moment are one stretch", () => {
  const [series] = seriesOf([point(0, 1), point(0, 3), point(60, 5)]);
  assert.deepEqual(stretches(series!).map(({ count, mean }) => [count, mean]), [[2, 2], [1, 5]]);
});

test("different quantities are never joined by a line", () => {
  const streams = [1, 2, 3].map((at) => ({ ...point(at, at), stream_id: undefined, id: `s/${at}` }));
  assert.deepEqual(seriesOf(streams), []);
  const metric = (name: string, minutes: number, device_id = "d1") => {
    return { ...point(minutes, minutes), stream_id: undefined, name, device_id };
  };
  assert.deepEqual(seriesOf([metric("signal_percent", 0), metric("signal_quality", 0), metric("x", 9)]), []);
  const names = (rows: ReturnType<typeof metric>[]) => seriesOf(rows).map(({ name }) => name);
  assert.deepEqual(names([metric("a", 0), metric("a", 1), metric("b", 0)]), ["a"]);
  const other = [metric("a", 2, "d2"), metric("a", 3, "d2")];
  assert.deepEqual(names([metric("a", 0), metric("a", 1), ...other]), ["d1 a", "d2 a"]);
});

test("points at one time are no line", () => {
  assert.deepEqual(seriesOf([point(0, 1), point(0, 3)]), []);
});
