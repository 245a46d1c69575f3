// What the window has room for, and how the panes share it.

import { effect, signal } from "@preact/signals";

import { keep, recall } from "../keep";
import { read, type Sizes } from "./sizes";

/** `one`: a pane at a time; `rows`: the answer below the request; `columns`: three beside each other. */
export type Layout = "one" | "rows" | "columns";

const narrow = window.matchMedia("(width < 700px)");
const broad = window.matchMedia("(width >= 1100px)");
const fitting = (): Layout => (narrow.matches ? "one" : broad.matches ? "columns" : "rows");

export const layout = signal<Layout>(fitting());
for (const query of [narrow, broad]) query.addEventListener("change", () => (layout.value = fitting()));

export const sizes = signal<Sizes>(read(recall("sizes")));
effect(() => keep("sizes", JSON.stringify(sizes.value)));
