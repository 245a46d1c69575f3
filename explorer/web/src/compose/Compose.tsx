// The request in the making: all of it is kept in `composed` at each keystroke, whatever the spec thinks of it.

import "./compose.css";

import { useEffect, useState } from "preact/hooks";

import { ExportDialog } from "../export/ExportDialog";
import { fragment, isMasked, MASK, restored } from "../link";
import { send } from "../sending";
import { composed, notice, replace, sending } from "../state";
import { announce } from "../ui/announce";
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

  useEffect(() => {
    restore();
    window.addEventListener("hashchange", restore);
    const stops = [recognising(), checking(), () => window.removeEventListener("hashchange", restore)];
    return () => stops.forEach((stop) => stop());
  }, []);

  return (
    <section class="compose" aria-label="Request">
      <Target />
      <div class="row">
        <button
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
  const request = composed.peek();
  const link = fragment(request);
  const made = restored(link);
  const left = made && (isMasked(made) !== isMasked(request) || made.headers.length < request.headers.length);
  const { origin, pathname } = window.location;
  await copy(`${origin}${pathname}${link}`, left ? "Link copied; what is secret was left out" : "Link copied");
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
