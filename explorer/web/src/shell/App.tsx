// The page: a header over panes, all of which stay mounted, so that what is typed stays wherever one looks.

import "./shell.css";

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

import { Browse } from "../browse/Browse";
import { OperationBar } from "../browse/OperationBar";
import { Compose } from "../compose/Compose";
import { type View, view } from "../state";
import { Announcements } from "../ui/announce";
import { lazy } from "../ui/lazy";
import { Tabs } from "../ui/Tabs";
import { Header } from "./Header";
import { type Layout, layout, sizes } from "./layout";
import { Splitter } from "./Splitter";
import { TroubleBar } from "./TroubleBar";

const AnswerPane = lazy<object>(() => import("../answer/AnswerPane").then((found) => found.AnswerPane));
const Documentation = lazy<object>(() => import("../browse/Documentation").then((found) => found.Documentation));

const PANES: readonly { id: View; title: string }[] = [
  { id: "api", title: "API" },
  { id: "request", title: "Request" },
  { id: "answer", title: "Answer" },
];

export function App() {
  const fits = layout.value;
  const one = fits === "one";
  const away = (pane: View) => one && view.value !== pane;
  const { nav, request, rows } = sizes.value;

  // Where the pane that had the focus went out of sight, the focus goes to the tab of the one that came.
  useEffect(() => {
    const focused = document.activeElement;
    if (one && (!focused || focused === document.body || !focused.checkVisibility())) {
      document.getElementById(`pane-${view.value}-tab`)?.focus();
    }
  }, [one, view.value]);

  return (
    <>
      <Header />
      <TroubleBar />
      {one && (
        <section class="pane-tabs" aria-label="Panes">
          <Tabs name="pane" label="Pane" tabs={PANES} chosen={view.value} onChoose={(id) => (view.value = id)} />
        </section>
      )}
      {/* Where one pane is shown alone, each of them is what the page is about. */}
      <div
        class="panes"
        {...(one && { role: "main" })}
        style={one ? {} : { gridTemplateColumns: parts(nav, "15.5rem", "0", "") }}
      >
        <Pane id="api" hidden={away("api")} one={one}>
          <Browse />
        </Pane>
        <div
          class={fits === "rows" ? "work rows" : "work"}
          {...(!one && { role: "main" })}
          style={shares(fits, request, rows)}
        >
          {!one && <Splitter pane="nav" label="Width of the API pane" controls="pane-api-panel" upright edge />}
          <Pane id="request" hidden={away("request")} one={one}>
            <OperationBar />
            <Compose />
            <Documentation />
          </Pane>
          {fits === "columns" && (
            <Splitter pane="request" label="Width of the request" controls="pane-request-panel" upright />
          )}
          {fits === "rows" && (
            <Splitter pane="rows" label="Height of the request" controls="pane-request-panel" upright={false} />
          )}
          <Pane id="answer" hidden={away("answer")} one={one}>
            <AnswerPane />
          </Pane>
        </div>
      </div>
      <Announcements />
    </>
  );
}

function shares(fits: Layout, request: number, rows: number): Record<string, string> {
  if (fits === "columns") return { gridTemplateColumns: parts(request, "16rem", "14rem") };
  if (fits === "rows") return { gridTemplateRows: parts(rows, "6rem", "6rem") };
  return {};
}

/** Two tracks that share by percent, each with its least size, and what stands between them. */
function parts(percent: number, least: string, other: string, between = "auto"): string {
  return `minmax(${least}, ${percent}fr) ${between} minmax(${other}, ${100 - percent}fr)`;
}

interface PaneProps {
  id: View;
  hidden: boolean;
  /** Shown by a tab, alone. */
  one: boolean;
  children: ComponentChildren;
}

function Pane({ id, hidden, one, children }: PaneProps) {
  const tab = one ? { role: "tabpanel" as const, "aria-labelledby": `pane-${id}-tab` } : {};
  return (
    <div id={`pane-${id}-panel`} class={`pane pane-${id}`} hidden={hidden} {...tab}>
      {children}
    </div>
  );
}
