/** Put the focus into the last of some fields once it is there: a row that was added is typed into next. */
export function focusLast(within: string, selector: string): void {
  requestAnimationFrame(() => {
    const found = document.getElementById(within)?.querySelectorAll<HTMLElement>(selector) ?? [];
    found[found.length - 1]?.focus();
  });
}
