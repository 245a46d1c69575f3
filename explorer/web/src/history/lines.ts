// What differs between two texts of many lines: whole lines first, then what is different within them. A comparison of
// all characters at once would give up on long answers, and call all of them different.

import { Change, diff, presentableDiff } from "@codemirror/merge";

/** Stretches up to this many characters are compared letter by letter. */
const CLOSE = 4000;
/** So many different lines at most. */
const MOST = 0x10000 - 0x800;
const BY_LINES = { scanLimit: 5000, timeout: 1000 };
const BY_LETTERS = { scanLimit: 500, timeout: 20 };

interface Numbered {
  /** One character per line, with the end that it has; equal lines have equal ones. */
  code: string;
  /** Where each line begins, and where the last one ends. */
  starts: number[];
}

/** Number the lines; `numbers` goes on from text to text. null: there are more than characters to tell them by. */
function numbered(text: string, numbers: Map<string, number>): Numbered | null {
  const codes: string[] = [];
  const starts = [0];
  for (const [line] of text.matchAll(/[^\n]*\n|[^\n]+$/g)) {
    let number = numbers.get(line);
    if (number === undefined) numbers.set(line, (number = numbers.size));
    if (number >= MOST) return null;
    // Surrogates are left out: they would be taken as halves of one character.
    codes.push(String.fromCharCode(number < 0xd800 ? number : number + 0x800));
    starts.push(starts.at(-1)! + line.length);
  }
  return { code: codes.join(""), starts };
}

/** The changes from `a` to `b`, in order, as CodeMirror's merge views take them. */
export function changes(a: string, b: string): readonly Change[] {
  const numbers = new Map<string, number>();
  const [left, right] = [numbered(a, numbers), numbered(b, numbers)];
  if (!left || !right) return presentableDiff(a, b, BY_LETTERS);
  const found: Change[] = [];
  for (const { fromA, toA, fromB, toB } of diff(left.code, right.code, BY_LINES)) {
    const [a0, a1, b0, b1] = [left.starts[fromA]!, left.starts[toA]!, right.starts[fromB]!, right.starts[toB]!];
    const [from, to] = [a.slice(a0, a1), b.slice(b0, b1)];
    if (from && to && from.length < CLOSE && to.length < CLOSE) {
      for (const one of presentableDiff(from, to, BY_LETTERS)) {
        found.push(new Change(a0 + one.fromA, a0 + one.toA, b0 + one.fromB, b0 + one.toB));
      }
    } else found.push(new Change(a0, a1, b0, b1));
  }
  return found;
}
