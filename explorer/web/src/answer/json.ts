// JSON that keeps what JavaScript's numbers cannot hold: no digit of a server's answer is lost on the way to the eye.

/** A number that a double would change, kept as it was written. */
export class Exact {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  toString(): string {
    return this.source;
  }

  /** `JSON.stringify` writes the digits as they came. */
  toJSON(): unknown {
    const raw = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON;
    return raw ? raw(this.source) : Number(this.source);
  }
}

// Only texts that may hold such numbers are read through the reviver, which is several times slower. Digits in the
// middle of a text, as in the ids of devices, are none.
const DOUBTFUL = /(?:^|[:,[\s])-?(?:[\d.]{16}|[\d.]+[eE][+-]?\d{3})/;

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

/** Throws a SyntaxError for what is no JSON. */
export function parse(text: string): unknown {
  if (!DOUBTFUL.test(text)) return JSON.parse(text);
  const exact: Reviver = (_key, value, context) => {
    if (typeof value !== "number" || context?.source === undefined) return value;
    return faithful(value, context.source) ? value : new Exact(context.source);
  };
  return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, exact);
}

function faithful(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  if (Number.isInteger(value) && /^-?\d+$/.test(source)) return Number.isSafeInteger(value);
  return digits(source).length <= 15 || digits(String(value)) === digits(source);
}

/** The significant digits: `-0.0120e4` → `12`. */
function digits(source: string): string {
  const plain = source.replace(/[eE].*$/, "").replace(/[-.]/g, "").replace(/^0+/, "");
  return plain.replace(/0+$/, "");
}

/**
 * Lay JSON text out over lines; what it says stays letter for letter. Text that is no JSON comes back as it is, unless
 * it is `cut`: only the beginning of one.
 */
export function pretty(text: string, cut = false): string {
  const out: string[] = [];
  let depth = 0;
  const line = () => `\n${"  ".repeat(Math.min(depth, 60))}`;
  // Strings, brackets with nothing in them, single marks, and all else up to the next mark.
  const whole = /"[^"\\]*(?:\\[^][^"\\]*)*"|\[\s*\]|\{\s*\}|[[\]{},:]|[^\s[\]{},:"]+|"/g;
  const token = cut ? new RegExp(whole.source.replace(/"$/, '"[^]*'), "g") : whole;
  for (const [part] of text.matchAll(token)) {
    const first = part[0];
    if (part.length > 1 && (first === "[" || first === "{")) out.push(first + part.at(-1));
    else if (first === "[" || first === "{") {
      depth += 1;
      out.push(first, line());
    } else if (first === "]" || first === "}") {
      depth -= 1;
      if (depth < 0) return text;
      out.push(line(), first);
    } else if (first === ",") out.push(",", line());
    else if (first === ":") out.push(": ");
    else if (part === '"' && !cut) return text;
    else out.push(part);
  }
  return depth === 0 || cut ? out.join("") : text;
}

/** JSON laid out with the keys of each object in order, so that two answers can be compared; else the text as it is. */
export function ordered(text: string): string {
  try {
    return JSON.stringify(inOrder(parse(text)), null, 2);
  } catch {
    return text;
  }
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isObject(value)) return value;
  // Without a prototype, a key "__proto__" is a key like any other.
  const sorted = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value).sort()) sorted[key] = inOrder(value[key]);
  return sorted;
}

/** Whether it has keys of its own: an object, not a list, and no number. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Exact);
}

export function isNested(value: unknown): value is Record<string, unknown> | unknown[] {
  return Array.isArray(value) || isObject(value);
}

/** What a cell shows: nothing for null, text as it is, JSON for what is nested. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  return isNested(value) ? write(value) : String(value);
}

export function write(value: unknown, indent = 0): string {
  try {
    return JSON.stringify(value, null, indent) ?? "";
  } catch {
    return Array.isArray(value) ? "[…]" : "{…}"; // nested deeper than the stack
  }
}

/** The number in a value or in its text; null where there is none. */
export function numberIn(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (value instanceof Exact) return Number(value.source);
  if (typeof value !== "string" || !/^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(value)) return null;
  const found = Number(value);
  return Number.isFinite(found) ? found : null;
}
