// Records that have a position.

import { isObject, numberIn, plain } from "./json.ts";
import type { Row } from "./rows.ts";

export interface Place {
  name: string;
  latitude: number;
  longitude: number;
}

export interface Bounds {
  south: number;
  north: number;
  west: number;
  east: number;
}

const PAIRS = [
  ["latitude", "longitude"],
  ["lat", "lon"],
  ["lat", "lng"],
  ["dpMapLat", "dpMapLong"],
] as const;

/** The records with a position: two fields, a GeoJSON point, or `latitude, longitude` as CSV has it. */
export function places(rows: readonly Row[]): Place[] {
  const found: Place[] = [];
  for (const row of rows) {
    const at = position(row);
    if (at) found.push({ name: named(row), latitude: at[0], longitude: at[1] });
  }
  return found;
}

function named(row: Row): string {
  const key = ["name", "dpName", "id", "devConnectwareId"].find((one) => plain(row[one]));
  return key ? plain(row[key]) : "(no name)";
}

function position(row: Row): [number, number] | null {
  for (const [north, east] of PAIRS) {
    const at = onEarth(numberIn(row[north]), numberIn(row[east]));
    if (at) return at;
  }
  for (const key of ["geoposition", "location", "position"]) {
    const value = row[key];
    if (isObject(value) && Array.isArray(value.coordinates)) {
      const at = onEarth(numberIn(value.coordinates[1]), numberIn(value.coordinates[0]));
      if (at) return at;
    }
    if (typeof value === "string" && value.includes(",")) {
      const parts = value.split(",");
      const at = parts.length === 2 ? onEarth(numberIn(parts[0]), numberIn(parts[1])) : null;
      if (at) return at;
    }
  }
  return null;
}

function onEarth(latitude: number | null, longitude: number | null): [number, number] | null {
  if (latitude === null || longitude === null) return null;
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [latitude, longitude] : null;
}

/** How far the places reach. */
export function extent(found: readonly Place[]): Bounds {
  let [south, north, west, east] = [90, -90, 180, -180];
  for (const { latitude, longitude } of found) {
    south = Math.min(south, latitude);
    north = Math.max(north, latitude);
    west = Math.min(west, longitude);
    east = Math.max(east, longitude);
  }
  return { south, north, west, east };
}

/** What the plot shows: all places with some room around them, at least half a degree. */
export function bounds(found: readonly Place[]): Bounds {
  const { south, north, west, east } = extent(found);
  const up = Math.max((north - south) * 0.06, 0.25);
  const along = Math.max((east - west) * 0.06, 0.25);
  return {
    south: Math.max(south - up, -90),
    north: Math.min(north + up, 90),
    west: Math.max(west - along, -180),
    east: Math.min(east + along, 180),
  };
}

/**
 * A frame to scale for a plot of a width: degrees of longitude are as long as in the middle of it. What would be lower
 * or higher than the limits gets more of the earth around it.
 */
export function framed(
  around: Bounds,
  width: number,
  lowest: number,
  highest: number,
): { within: Bounds; height: number } {
  const { south, north, west, east } = around;
  const middle = (south + north) / 2;
  const squeeze = Math.max(Math.cos((middle * Math.PI) / 180), 0.2);
  const [tall, wide] = [north - south, (east - west) * squeeze];
  const height = Math.round(Math.min(Math.max((tall / wide) * width, lowest), highest));
  const up = Math.max((wide * height) / width - tall, 0) / 2;
  const along = Math.max((tall * width) / height - wide, 0) / squeeze / 2;
  return { within: { south: south - up, north: north + up, west: west - along, east: east + along }, height };
}

export interface Spot {
  x: number;
  y: number;
  names: string[];
  count: number;
}

/** Places drawn as spots on a plane of `width` by `height`; those that would cover each other are one spot. */
export function spots(found: readonly Place[], within: Bounds, width: number, height: number, grain = 6): Spot[] {
  const cells = new Map<string, Spot>();
  for (const { name, latitude, longitude } of found) {
    const x = ((longitude - within.west) / (within.east - within.west)) * width;
    const y = ((within.north - latitude) / (within.north - within.south)) * height;
    const key = `${Math.round(x / grain)}/${Math.round(y / grain)}`;
    const spot = cells.get(key);
    if (!spot) cells.set(key, { x, y, names: [name], count: 1 });
    else {
      spot.count += 1;
      if (spot.names.length < 5) spot.names.push(name);
    }
  }
  return [...cells.values()];
}

/** Lines of a grid between two degrees, about `many` of them, at round numbers. */
export function grid(from: number, to: number, many = 5): number[] {
  const steps = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 45, 60];
  const step = steps.find((one) => (to - from) / one <= many) ?? 60;
  const lines: number[] = [];
  for (let n = Math.ceil(from / step); n * step <= to; n += 1) lines.push(Number((n * step).toFixed(2)));
  return lines;
}

/** `44.1° N` */
export function degrees(value: number, positive: string, negative: string): string {
  return `${Number(Math.abs(value).toFixed(2))}° ${value < 0 ? negative : positive}`;
}
