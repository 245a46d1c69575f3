// Which request an answer is of, as people read it.

import type { Composed } from "../types";

/** Whether both send the same: what is switched off, and a type without a body, plays no part. */
export function same(one: Composed, other: Composed): boolean {
  return JSON.stringify(essence(one)) === JSON.stringify(essence(other));
}

function essence({ method, path, path_values, params, headers, body, content_type }: Composed): unknown {
  const values = Object.entries(path_values).filter(([name]) => path.includes(`{${name}}`));
  return [
    ...[method, path, values.sort(), body, body && content_type],
    params.filter(({ on }) => on).map(({ name, value }) => [name, value]),
    headers.filter(({ name }) => name).map(({ name, value }) => [name, value]),
  ];
}

/** An address with its parameters decoded; what would be read as something else then stays as it is. */
export function readable(address: string): string {
  const at = address.indexOf("?");
  if (at < 0) return address;
  return address.slice(0, at + 1) + address.slice(at + 1).split("&").map(decoded).join("&");
}

function decoded(part: string): string {
  try {
    const text = decodeURIComponent(part.replaceAll("+", " "));
    // Signs that would end the parameter, and what cannot be seen.
    if (/[&#%+]|[^\P{C}]|  /u.test(text)) return part;
    // A blank at the end, as while a word is typed, would not be seen.
    return text.replace(/ $/, "%20");
  } catch {
    return part;
  }
}
