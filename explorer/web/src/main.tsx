import "./styles/base.css";
import "./styles/controls.css";

import { effect } from "@preact/signals";
import { render } from "preact";

import { keep } from "./draft";
import { App } from "./shell/App";
import { onKey } from "./shell/keyboard";
import { start } from "./shell/load";
import { composed } from "./state";

document.addEventListener("keydown", onKey);
render(<App />, document.getElementById("app")!);
start();
// Kept where typing pauses, and when the page goes.
let pause = 0;
effect(() => {
  void composed.value;
  window.clearTimeout(pause);
  pause = window.setTimeout(() => keep(composed.peek()), 300);
});
window.addEventListener("pagehide", () => keep(composed.peek()));
// Tells the tabs of a browser from each other.
effect(() => {
  document.title = `${composed.value.method} ${composed.value.path} · digirm explorer`;
});
