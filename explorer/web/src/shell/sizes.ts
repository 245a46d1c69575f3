// How wide the panes are, in percent of what they share.

export interface Sizes {
  /** The API pane, of the window's width. */
  nav: number;
  /** The request, of what is left beside the API pane. */
  request: number;
  /** The request's height where the answer is below it. */
  rows: number;
}

export const DEFAULTS: Sizes = { nav: 24, request: 46, rows: 52 };
export const LIMITS: Record<keyof Sizes, readonly [number, number]> = {
  nav: [14, 45],
  request: [22, 75],
  rows: [15, 85],
};

export function clamp(pane: keyof Sizes, percent: number): number {
  const [low, high] = LIMITS[pane];
  return Math.round(Math.min(high, Math.max(low, percent)) * 10) / 10;
}

/** Sizes from what was kept; whatever is no size is the default. */
export function read(text: string | null): Sizes {
  let found: unknown = null;
  try {
    found = JSON.parse(text ?? "null");
  } catch {
    // Not ours.
  }
  const sizes = { ...DEFAULTS };
  if (typeof found !== "object" || found === null) return sizes;
  for (const pane of Object.keys(sizes) as (keyof Sizes)[]) {
    const value = (found as Record<string, unknown>)[pane];
    if (typeof value === "number" && Number.isFinite(value)) sizes[pane] = clamp(pane, value);
  }
  return sizes;
}

/** Where a key moves a splitter; null: the key is not one of its own. */
export function moved(pane: keyof Sizes, now: number, key: string, upright: boolean): number | null {
  const [less, more] = upright ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  const [low, high] = LIMITS[pane];
  if (key === less) return clamp(pane, now - 2);
  if (key === more) return clamp(pane, now + 2);
  if (key === "Home") return low;
  if (key === "End") return high;
  if (key === "Enter") return DEFAULTS[pane];
  return null;
}
