// Keys that hold everywhere in the page.

import { send } from "../sending";
import { aside, view } from "../state";

export const SHORTCUTS: readonly (readonly [string, string])[] = [
  ["Ctrl/⌘ + Enter", "send the request"],
  ["/", "search the API"],
  ["Ctrl + Space", "complete in a query"],
  ["Arrow keys", "move in trees, tabs and menus, and move a splitter that has the focus"],
  ["Escape", "close a dialog, a menu or the completions"],
];

const WRITABLE =
  "input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable]:not([contenteditable=false])";

export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    void send();
  } else if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (event.target instanceof Element && event.target.closest(WRITABLE)) return;
    event.preventDefault();
    search();
  }
}

/** Show the search for paths and fields, and go there. */
export function search(): void {
  aside.value = "browse";
  view.value = "api";
  const box = document.getElementById("search-api");
  // What is in sight takes the next key; else it has to come into sight first.
  if (box?.checkVisibility()) box.focus();
  else requestAnimationFrame(() => document.getElementById("search-api")?.focus());
}
