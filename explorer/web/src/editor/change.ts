// The smallest single change that makes one text another: what did not change keeps its cursor and its marks.

export interface Change {
  from: number;
  to: number;
  insert: string;
}

/** null where the texts are the same. */
export function change(before: string, after: string): Change | null {
  if (before === after) return null;
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before[from] === after[from]) from++;
  let same = 0;
  while (same < most - from && before.at(-1 - same) === after.at(-1 - same)) same++;
  return { from, to: before.length - same, insert: after.slice(from, after.length - same) };
}
