// What the browser remembers for the page: sizes, theme, columns. Never anything of a request.

const PREFIX = "digirm.";

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // Not allowed, or full: it holds for this page only.
  }
}
