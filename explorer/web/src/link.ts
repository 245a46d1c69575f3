// Links that hold a composed request behind the `#`, which browsers send to nobody. Opening one sends nothing either.

import type { Composed, Header, Param } from "./types";

/** What stands in place of a secret. */
export const MASK = "***";
/** Longer than any request that is composed by hand. */
const LONGEST = 4_000_000;
const MOST = 200;

/** The fragment of a request. It is the local server that takes out what is secret before. */
export function fragment(request: Composed): string {
  return `#${new URLSearchParams({ request: JSON.stringify(request) })}`;
}

/** The request that a fragment holds; null: none, or what is not one. */
export function restored(hash: string): Composed | null {
  if (hash.length > LONGEST) return null;
  const text = new URLSearchParams(hash.replace(/^#/, "")).get("request");
  if (!text) return null;
  try {
    return read(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Whether something has to be typed again. */
export function isMasked(request: Composed): boolean {
  return JSON.stringify(request).includes(MASK);
}

function read(data: unknown): Composed | null {
  if (!isRecord(data)) return null;
  const { method, path, path_values, params, headers, body, content_type } = data;
  const texts = [method, path, body ?? "", content_type ?? ""];
  if (!texts.every((text) => typeof text === "string") || !method || !path) return null;
  const values = Object.entries(isRecord(path_values) ? path_values : {});
  const lists = [params ?? [], headers ?? []];
  if (!lists.every((list) => Array.isArray(list) && list.length <= MOST) || values.length > MOST) return null;
  const [some, others] = lists as [unknown[], unknown[]];
  const areTexts = values.every(([, value]) => typeof value === "string");
  if (!some.every(isParam) || !others.every(isHeader) || !areTexts) return null;
  return {
    method: (method as string).slice(0, 40).toUpperCase(),
    path: path as string,
    path_values: Object.fromEntries(values) as Record<string, string>,
    params: some.map(({ name, value, on }) => ({ name, value, on })),
    headers: others.map(({ name, value }) => ({ name, value })),
    body: (body ?? "") as string,
    content_type: (content_type ?? "") as string,
  };
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}

function isHeader(data: unknown): data is Header {
  return isRecord(data) && typeof data.name === "string" && typeof data.value === "string";
}

function isParam(data: unknown): data is Param {
  return isHeader(data) && typeof (data as unknown as Record<string, unknown>).on === "boolean";
}
