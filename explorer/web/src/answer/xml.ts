// XML laid out over lines.

const PART = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[?!][^>]*>|<\/[^>]*>|<(?:[^>"']|"[^"]*"|'[^']*')*>|[^<]+|</g;

/**
 * One element a line, those with text only on one; what it says stays. Text that is no XML comes back as it is, unless
 * it is `cut`: only the beginning of one.
 */
export function prettyXml(text: string, cut = false): string {
  const lines: string[] = [];
  let depth = 0;
  let current = "";
  let open = false; // whether the line in the making is an element that has just begun
  const flush = () => {
    if (current) lines.push(current);
    current = "";
    open = false;
  };
  const indent = () => "  ".repeat(Math.min(depth, 60));
  for (const [part] of text.matchAll(PART)) {
    if (part === "<" && !cut) return text;
    if (!part.startsWith("<") || part.startsWith("<![CDATA[")) {
      if (!part.startsWith("<") && !part.trim()) continue;
      if (!current) current = indent();
      current += open ? part : part.trim();
      continue;
    }
    if (part.startsWith("</")) {
      depth -= 1;
      if (depth < 0) return text;
      if (!open) {
        flush();
        current = indent();
      }
      current += part;
      flush();
      continue;
    }
    flush();
    current = indent() + part;
    if (/^<[?!]/.test(part) || part.endsWith("/>")) flush();
    else {
      depth += 1;
      open = true;
    }
  }
  flush();
  return depth === 0 || cut ? lines.join("\n") : text;
}
