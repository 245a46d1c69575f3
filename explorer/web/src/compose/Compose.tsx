// The request in the making: all of it is kept in `composed` at each keystroke, whatever the spec thinks of it.

import "./compose.css";

import { useEffect, useRef, useState } from "preact/hooks";

import { api, problemOf } from "../api";
import { ExampleNote } from "../browse/ExampleNote";
import { ExportDialog } from "../export/ExportDialog";
import { fragment, isMasked, MASK, restored } from "../link";
import { send } from "../sending";
import { composed, loaded, notice, replace, sending } from "../state";
import { announce, toast } from "../ui/announce";
import { copy } from "../ui/copy";
import { Body } from "./Body";
import { checking } from "./checking";
import { Headers } from "./Headers";
import { Params } from "./Params";
import { PathValues } from "./PathValues";
import { recognising } from "./recognise";
import { Target } from "./Target";
import { Verdict } from "./Verdict";

export function Compose() {
  const [exporting, setExporting] = useState(false);
  const sendButton = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    restore();
    window.addEventListener("hashchange", restore);
    const stops = [recognising(), checking(), () => window.removeEventListener("hashchange", restore)];
    return () => stops.forEach((stop) => stop());
  }, []);

  // What the history put here is sent next, if at all.
  useEffect(() => {
    if (loaded.value === 0) return;
    sendButton.current?.focus();
    announce("Loaded; Ctrl-Enter sends it");
  }, [loaded.value]);

  return (
    <section class="compose" aria-label="Request">
      <ExampleNote />
      <Target />
      <div class="row">
        <button
          ref={sendButton}
          type="button"
          class="button primary"
          aria-keyshortcuts="Control+Enter Meta+Enter"
          onClick={() => void send()}
        >
          Send
        </button>
        {sending.value && <span class="quiet small">On its way…</span>}
        <span class="spread" />
        <button type="button" class="button" aria-haspopup="dialog" onClick={() => setExporting(true)}>
          Take away
        </button>
        <button type="button" class="button" onClick={() => void copyLink()}>
          Copy link
        </button>
      </div>
      {notice.value && (
        <p class="note row" role="status">
          <span class="spread">{notice.value}</span>
          <button type="button" class="icon" aria-label="Dismiss the notice" onClick={() => (notice.value = null)}>
            <span aria-hidden="true">✕</span>
          </button>
        </p>
      )}
      <Verdict />
      <PathValues />
      <Params />
      <Headers />
      <Body />
      {exporting && <ExportDialog onClose={() => setExporting(false)} />}
    </section>
  );
}

async function copyLink(): Promise<void> {
  const { origin, pathname } = window.location;
  try {
    const { request, masked } = await api.link(composed.peek());
    const said = masked ? "Link copied; what is secret was left out" : "Link copied";
    await copy(`${origin}${pathname}${fragment(request)}`, said);
  } catch (error) {
    toast(problemOf(error).message);
  }
}

/** Take the request of a link, if the address holds one, out of the address, so that a reload keeps what is typed. */
function restore(): void {
  const { hash, pathname, search } = window.location;
  if (!hash.startsWith("#request=")) return;
  const request = restored(hash);
  window.history.replaceState(null, "", pathname + search);
  if (!request) {
    notice.value = "The link holds no request that can be read. What was here stays.";
    return;
  }
  const secret = isMasked(request) ? ` Type again what ${MASK} stands for.` : "";
  replace(request, null, `The request came with a link. Nothing was sent.${secret}`);
  announce(notice.value ?? "");
}
