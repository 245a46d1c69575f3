// The answer: what came, in the view one likes, and the way to its further pages.

import "./answer.css";

import { useEffect } from "preact/hooks";

import { halted, remembered, sendNext } from "../sending";
import { asked, composed, failed, pages, sending } from "../state";
import type { ProblemKind } from "../types";
import { lazy } from "../ui/lazy";
import { Tabs, TabPanel } from "../ui/Tabs";
import { Asked } from "./Asked";
import { ConfirmDialog } from "./ConfirmDialog";
import { Failure } from "./Failure";
import { problemHint, statusHint } from "./hints.ts";
import { chooseView, chosenView, page, views, type ViewName } from "./result";
import { Status } from "./Status";
import { Tools } from "./Tools";

const loadShown = () => import("./Shown").then((found) => found.Shown);
const Shown = lazy<object>(loadShown);

/** What is said already: by the bar over the page, and by who stopped it. */
const TOLD: ReadonlySet<ProblemKind> = new Set(["session", "unreachable", "aborted"]);

const TITLES: Record<ViewName, string> = {
  table: "Table",
  tree: "Tree",
  text: "Text",
  headers: "Headers",
  picture: "Picture",
};

export function AnswerPane() {
  const shown = page.value;
  const problem = failed.value;
  const hint = shown && statusHint(shown);
  const busy = sending.value !== null;

  // The views are there when the first answer comes.
  useEffect(() => void setTimeout(() => loadShown().catch(() => undefined), 300), []);

  return (
    <section class="answer" aria-label="Answer" aria-busy={busy}>
      <Status />
      <Asked />
      {problem && (
        <Failure
          hint={problemHint(problem, asked.value ?? composed.value)}
          tone={problem.kind === "aborted" ? "plain" : "bad"}
          alert={!TOLD.has(problem.kind)}
          {...(pages.value.length > 0 && { again: () => void sendNext() })}
        />
      )}
      {halted.value && <p class="note">{halted.value}</p>}
      {remembered.value && <Remembered />}
      {hint && !problem && <Failure hint={hint} tone="warn" alert={false} />}
      {shown?.says && <p class="note warn">{shown.says}</p>}
      {shown && (
        <>
          <Tools />
          <Tabs
            name="answer"
            label="Show the answer as"
            tabs={views.value.map((id) => ({ id, title: TITLES[id] }))}
            chosen={chosenView.value}
            onChoose={chooseView}
          />
          <TabPanel name="answer" tab={chosenView.value} class="answer-view">
            <Shown />
          </TabPanel>
        </>
      )}
      {!shown && !problem && !busy && (
        <p class="empty">
          No answer to show yet. <kbd>Ctrl</kbd> + <kbd>Enter</kbd> sends the request.
        </p>
      )}
      <ConfirmDialog />
    </section>
  );
}

function Remembered() {
  const call = remembered.value;
  if (!call) return null;
  const at = new Date(call.at).toLocaleString();
  return (
    <p class="note">
      <strong>From the history</strong>, sent {at}
      {call.pages > 1 && `, the first of ${call.pages} pages`}.
      {call.masked_answer && " Secrets in it were not kept: *** stands for them."}
    </p>
  );
}
