import "./styles/base.css";
import "./styles/controls.css";

import { effect } from "@preact/signals";
import { render } from "preact";

import { App } from "./shell/App";
import { onKey } from "./shell/keyboard";
import { start } from "./shell/load";
import { composed } from "./state";

document.addEventListener("keydown", onKey);
render(<App />, document.getElementById("app")!);
start();
// Tells the tabs of a browser from each other.
effect(() => {
  document.title = `${composed.value.method} ${composed.value.path} · digirm explorer`;
});
