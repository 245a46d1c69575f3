// Links that hold a composed request behind the `#`, which browsers send to nobody. Opening one sends nothing either.

import type { Composed, Header, Param } from "./types";

/** What stands in place of a secret. */
export const MASK = "***";
/** Words that make a name secret; `runtime/digirm_runtime/secrets.py` says the same. */
export const WORDS =
  "pass[\\s_-]?(?:word|wd|phrase)|secret|install[\\s_-]?code|(?<![\\w-])token(?![\\w-])" +
  "|(?:access|api|auth|refresh|session|transport)[\\s_-]?token|(?:api|pre[\\s_-]?shared|private)[\\s_-]?key(?!s)";
/** Longer than any request that is composed by hand. */
const LONGEST = 4_000_000;
const MOST = 200;

const HIDDEN_NAME = new RegExp(WORDS, "i");
const CREDENTIAL = /authorization|cookie|api[-_]?key|token/i;

/** The fragment of a request, without what is secret in it. */
export function fragment(request: Composed): string {
  const { method, path, content_type } = request;
  const values = Object.entries(request.path_values).map(([name, value]) => [name, mask(name, value)] as const);
  const kept: Composed = {
    method,
    path: maskPath(path),
    path_values: Object.fromEntries(values),
    params: request.params.map(({ name, value, on }) => ({ name, value: mask(name, value), on })),
    headers: request.headers.filter(({ name }) => !CREDENTIAL.test(name) && !HIDDEN_NAME.test(name)),
    body: maskBody(request.body),
    content_type,
  };
  return `#${new URLSearchParams({ request: JSON.stringify(kept) })}`;
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

function mask(name: string, value: string): string {
  return value && HIDDEN_NAME.test(name) ? MASK : value;
}

/** A path may have been typed with parameters, or with a user and a password before the host. */
function maskPath(path: string): string {
  const pair = (_: string, start: string, name: string, value: string) => `${start}${name}=${mask(name, value)}`;
  return path.replace(/^([a-z][\w+.-]*:\/\/)[^/?#]*@/i, "$1").replace(/([?&])([^=&#]*)=([^&#]*)/g, pair);
}

const NAME = `(?=[\\w.:-]*(?:${WORDS}))[\\w.:-]+`;
// <password>…</password>, also where the end is missing; password="…"; password=… of a form.
const ELEMENT = new RegExp(`(<${NAME}(?:\\s[^<>]*)?(?<!/)>)(?:<!\\[CDATA\\[[\\s\\S]*?(?:\\]\\]>|$)|[^<])+`, "gi");
const ATTRIBUTE = new RegExp(`(\\s${NAME}\\s*=\\s*)(?:"[^"]*"?|'[^']*'?)`, "gi");
const PAIR = new RegExp(`((?:^|[&\\n])${NAME}=)[^&\\n]+`, "gi");

/** A body without its secrets. All else stays as it was typed, right or wrong as it is. */
export function maskBody(body: string): string {
  return maskMembers(body)
    .replace(ELEMENT, `$1${MASK}`)
    .replace(ATTRIBUTE, `$1"${MASK}"`)
    .replace(PAIR, `$1${MASK}`);
}

/** JSON by its tokens, so that numbers keep their digits, and what is not whole yet is masked too. */
function maskMembers(text: string): string {
  const strings = /"(?:[^"\\]|\\[\s\S])*(?:"(\s*:\s*)?|\\?$)/g;
  let kept = "";
  let done = 0;
  for (let found = strings.exec(text); found; found = strings.exec(text)) {
    if (found[1] === undefined || !HIDDEN_NAME.test(unescaped(found[0].slice(0, -found[1].length)))) continue;
    const start = strings.lastIndex;
    const end = valueEnd(text, start);
    const value = text.slice(start, end);
    kept += text.slice(done, start) + (value === "" || value === "null" || value === '""' ? value : `"${MASK}"`);
    done = strings.lastIndex = end;
  }
  return kept + text.slice(done);
}

/** A key as it is meant: it may be spelled with escapes. */
function unescaped(key: string): string {
  try {
    return String(JSON.parse(key));
  } catch {
    return key;
  }
}

/** Where ends the value that begins at a place; one that is not closed takes all the rest. */
function valueEnd(text: string, start: number): number {
  const tokens = /"(?:[^"\\]|\\[\s\S])*(?:"|$)|[{[]|[}\]]|,|[^"{}[\],\s]+/g;
  tokens.lastIndex = start;
  let depth = 0;
  for (let token = tokens.exec(text); token; token = tokens.exec(text)) {
    if (depth === 0 && /[}\],]/.test(token[0][0]!)) return token.index;
    if (/[{[]/.test(token[0][0]!)) depth++;
    else if (/[}\]]/.test(token[0][0]!)) depth--;
    if (depth === 0) return tokens.lastIndex;
  }
  return text.length;
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
