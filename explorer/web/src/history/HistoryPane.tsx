// Every call that was made, newest first: look at it again, make it again, compare two answers.

import "./history.css";

import { useEffect, useId, useRef, useState } from "preact/hooks";

import { readable } from "../answer/asked.ts";
import { bytes, duration, many } from "../answer/words.ts";
import { remembered } from "../sending";
import { calls, session } from "../state";
import type { HistoryDetail, HistoryEntry } from "../types";
import { announce } from "../ui/announce";
import { Method } from "../ui/badges";
import { Dialog } from "../ui/Dialog";
import { lazy } from "../ui/lazy";
import { when } from "./entries.ts";
import { Listing } from "./listing";

/** How long one stops typing before the history is searched, in milliseconds. */
const PAUSE = 150;

interface CompareProps {
  pair: readonly [HistoryDetail, HistoryDetail];
  onClose: () => void;
}
const Compare = lazy<CompareProps>(() => import("./CompareDialog").then((found) => found.CompareDialog));

export function HistoryPane() {
  const [listing] = useState(() => new Listing((found, search) => search && announce(many(found, "call"))));
  const [search, setSearch] = useState("");
  const [clearing, setClearing] = useState(false);
  const looked = useRef<string | null>(null);
  const id = useId();
  const made = calls.value;
  const { entries, more, chosen, pair, failed } = listing;

  useEffect(() => {
    const typed = looked.current !== null && search !== looked.current;
    const look = () => listing.look((looked.current = search));
    const waiting = setTimeout(look, typed ? PAUSE : 0);
    return () => clearTimeout(waiting);
  }, [search, made]);

  const forget = async (entry: HistoryEntry) => void ((await listing.forget(entry.id)) && announce("Forgotten"));

  async function clear(): Promise<void> {
    setClearing(false);
    if (await listing.clear()) announce("The history is empty");
  }

  const list = entries.value ?? [];
  return (
    <div class="history">
      <div class="history-head stack">
        <input
          class="input"
          type="search"
          aria-label="Search the history"
          placeholder="Path, status, words of the answer"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <div class="row">
          <button
            type="button"
            class="button small"
            disabled={chosen.value.length < 2}
            onClick={() => listing.compare()}
          >
            Compare the two answers
          </button>
          <span class="spread" />
          <button
            type="button"
            class="button small"
            disabled={!list.length && !search}
            onClick={() => setClearing(true)}
          >
            Clear the history
          </button>
        </div>
        {failed.value && (
          <p class="note bad" role="alert">
            {failed.value}
          </p>
        )}
      </div>
      <ol class="history-list" aria-label="Calls">
        {list.map((entry) => (
          <li key={entry.id} class={remembered.value?.id === entry.id ? "call current" : "call"}>
            <Call
              entry={entry}
              id={`${id}-${entry.id}`}
              chosen={chosen.value.includes(entry.id)}
              onMark={(on) => listing.mark(entry.id, on)}
              onShow={() => listing.show(entry.id)}
              onReplay={() => listing.replay(entry.id)}
              onForget={() => void forget(entry)}
            />
          </li>
        ))}
      </ol>
      {more.value && (
        <button type="button" class="button small history-more" onClick={() => listing.older()}>
          Older calls
        </button>
      )}
      {entries.value && !list.length && (
        <p class="empty">{search ? "No call has these words." : "No call has been made yet."}</p>
      )}
      {clearing && <Clear onClear={() => void clear()} onClose={() => setClearing(false)} />}
      {pair.value && <Compare pair={pair.value} onClose={() => (pair.value = null)} />}
    </div>
  );
}

interface CallProps {
  entry: HistoryEntry;
  id: string;
  chosen: boolean;
  onMark: (on: boolean) => void;
  onShow: () => void;
  onReplay: () => void;
  onForget: () => void;
}

function Call({ entry, id, chosen, onMark, onShow, onReplay, onForget }: CallProps) {
  const { method, target, status, error, url, pages } = entry;
  const elsewhere = session.value !== null && session.value.url !== url;
  const tone = status === null || status >= 400 ? "bad" : status >= 300 ? "accent" : "ok";
  return (
    <>
      <p class="call-target mono" id={id}>
        <Method name={method} /> <span title={target}>{readable(target)}</span>
      </p>
      <p class="call-facts">
        <span class={`badge ${tone}`}>{status ?? "no answer"}</span>
        <time dateTime={entry.at} title={new Date(entry.at).toLocaleString()}>
          {when(entry.at, new Date())}
        </time>
        {status !== null && (
          <span>
            {duration(entry.milliseconds)}, {bytes(entry.size)}
          </span>
        )}
        {pages > 1 && <span>{many(pages, "page")}</span>}
      </p>
      {error && <p class="call-error">{error}</p>}
      {elsewhere && <p class="call-facts mono">{url}</p>}
      <p class="call-buttons">
        <button type="button" class="button small" aria-describedby={id} onClick={onShow}>
          Show
        </button>
        <button type="button" class="button small" aria-describedby={id} onClick={onReplay}>
          Replay
        </button>
        <button type="button" class="button small plain" aria-describedby={id} onClick={onForget}>
          Forget
        </button>
        <label class="choice">
          <input
            type="checkbox"
            aria-describedby={id}
            checked={chosen}
            onChange={(event) => onMark(event.currentTarget.checked)}
          />
          Compare
        </label>
      </p>
    </>
  );
}

function Clear({ onClear, onClose }: { onClear: () => void; onClose: () => void }) {
  const kept = session.value?.history;
  const buttons = (
    <>
      <button type="button" class="button" onClick={onClose}>
        Keep it
      </button>
      <button type="button" class="button danger" onClick={onClear}>
        Forget all calls
      </button>
    </>
  );
  return (
    <Dialog title="Clear the history?" onClose={onClose} foot={buttons}>
      <p>
        All calls and their answers are removed for good{kept ? <> from <code>{kept}</code></> : ""}. Nothing changes at
        the service.
      </p>
    </Dialog>
  );
}
