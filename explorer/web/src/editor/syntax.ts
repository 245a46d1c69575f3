// What a body is written in.

import { isV1 } from "../compose/path.ts";
import type { Syntax } from "./body";

/** By its media type, else by what the path suggests: `/ws/v1` takes JSON, the older services XML. */
export function syntaxOf(contentType: string, path: string): Syntax {
  const type = contentType.split(";")[0]!.trim().toLowerCase();
  if (type === "") return isV1(path) ? "json" : "xml";
  if (/(?:\/|\+)json$/.test(type)) return "json";
  return /(?:\/|\+)xml$/.test(type) ? "xml" : "text";
}

/** JSON indented, its numbers and strings as they were typed; null: it is no JSON. */
export function indented(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let depth = 0;
  const line = (by = 0) => `\n${"  ".repeat((depth += by))}`;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g) ?? [];
  return tokens
    .map((token, at) => {
      const empty = "{[".includes(tokens[at - 1] ?? " ");
      if (token === "{" || token === "[") return "}]".includes(tokens[at + 1] ?? " ") ? token : token + line(1);
      if (token === "}" || token === "]") return empty ? token : line(-1) + token;
      return token === "," ? token + line() : token === ":" ? ": " : token;
    })
    .join("");
}
