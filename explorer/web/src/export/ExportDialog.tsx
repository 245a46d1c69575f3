// The request in other words: as commands and programs to take away. None of them holds a secret.

import "./export.css";

import { useEffect, useRef, useState } from "preact/hooks";

import { api } from "../api";
import { Latest } from "../latest";
import { composed, operation } from "../state";
import type { ExportForm } from "../types";
import { copy } from "../ui/copy";
import { Dialog } from "../ui/Dialog";
import { type Tab, TabPanel, Tabs } from "../ui/Tabs";

const FORMS: readonly Tab<ExportForm>[] = [
  { id: "curl", title: "cURL" },
  { id: "httpie", title: "HTTPie" },
  { id: "python", title: "Python with digirm" },
  { id: "httpx", title: "Python with httpx" },
  { id: "http", title: ".http" },
];
/** The forms that are programs, and can walk all pages of a list. */
const WALKS: ReadonlySet<ExportForm> = new Set(["python", "httpx"]);

/** The form that was chosen last, for as long as the page is open. */
let last: ExportForm = "curl";

export function ExportDialog({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState(last);
  const [every, setEvery] = useState(false);
  const [made, setMade] = useState<{ text: string | null; why: string } | null>(null);
  const latest = useRef(new Latest());
  const list = operation.value?.kind === "list" && WALKS.has(form);
  const all = list && every;

  useEffect(() => {
    last = form;
    latest.current.ask(
      (signal) => api.export(composed.peek(), form, all, signal),
      setMade,
      ({ message }) => setMade({ text: null, why: message }),
    );
    return () => latest.current.stop();
  }, [form, all]);

  const foot = (
    <>
      {list && (
        <label class="choice">
          <input type="checkbox" checked={every} onChange={(event) => setEvery(event.currentTarget.checked)} />
          All pages
        </label>
      )}
      <span class="spread" />
      <button
        type="button"
        class="button primary"
        disabled={!made?.text}
        onClick={() => made?.text && void copy(made.text)}
      >
        Copy
      </button>
    </>
  );
  return (
    <Dialog title="Take this call away" onClose={onClose} wide foot={foot}>
      <Tabs name="export" label="Form" tabs={FORMS} chosen={form} onChoose={setForm} />
      <TabPanel name="export" tab={form} class="export">
        {made?.text ? (
          <pre class="export-text" tabIndex={0} role="group" aria-label="The call">
            {made.text}
          </pre>
        ) : (
          <p class={made ? "note warn" : "quiet"}>{made ? made.why : "Writing it…"}</p>
        )}
      </TabPanel>
    </Dialog>
  );
}
