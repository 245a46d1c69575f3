// Every call that was made, newest first: look at it again, make it again, compare two answers.

import "./history.css";

import { useEffect, useId, useRef, useState } from "preact/hooks";

import { bytes, duration, many } from "../answer/words.ts";
import { api, Trouble } from "../api";
import { remembered, show } from "../sending";
import { calls, replay, session } from "../state";
import type { HistoryDetail, HistoryEntry } from "../types";
import { announce } from "../ui/announce";
import { Method } from "../ui/badges";
import { Dialog } from "../ui/Dialog";
import { lazy } from "../ui/lazy";
import { marked, merged, when } from "./entries.ts";

const PAGE = 100;
/** How long one stops typing before the history is searched, in milliseconds. */
const PAUSE = 150;

interface CompareProps {
  pair: readonly [HistoryDetail, HistoryDetail];
  onClose: () => void;
}
const Compare = lazy<CompareProps>(
  () => import("./CompareDialog").then((found) => found.CompareDialog),
  () => null,
);

export function HistoryPane() {
  const [search, setSearch] = useState("");
  const [entries, setEntries] = useState<readonly HistoryEntry[] | null>(null);
  const [more, setMore] = useState(false);
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const [clearing, setClearing] = useState(false);
  const [pair, setPair] = useState<CompareProps["pair"] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const asked = useRef<string | null>(null);
  const id = useId();
  const made = calls.value;

  /** Run something of the local server; what goes wrong is said in place. */
  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      setFailed(null);
      await work();
    } catch (error) {
      setFailed(error instanceof Trouble ? error.message : String(error));
    }
  }

  async function look(text: string): Promise<void> {
    const fresh = text !== asked.current;
    asked.current = text;
    const found = await api.history(text);
    if (asked.current !== text) return;
    setEntries((before) => (fresh || !before ? found : merged(found, before)));
    setMore((before) => (fresh || found.length < PAGE || before ? found.length >= PAGE : before));
    if (fresh && text) announce(many(found.length, "call"));
  }

  useEffect(() => {
    const typed = asked.current !== null && search !== asked.current;
    const waiting = setTimeout(() => void attempt(() => look(search)), typed ? PAUSE : 0);
    return () => clearTimeout(waiting);
  }, [search, made]);

  const older = () =>
    attempt(async () => {
      const found = await api.history(search, entries?.at(-1)?.id);
      setEntries((before) => [...(before ?? []), ...found]);
      setMore(found.length >= PAGE);
    });

  const forget = (entry: HistoryEntry) =>
    attempt(async () => {
      await api.forget(entry.id);
      setEntries((before) => before?.filter((one) => one.id !== entry.id) ?? null);
      setChosen((before) => marked(before, entry.id, false));
      announce("Forgotten");
    });

  const clear = () =>
    attempt(async () => {
      setClearing(false);
      await api.forgetAll();
      setEntries([]);
      setChosen([]);
      setMore(false);
      announce("The history is empty");
    });

  const compare = () =>
    attempt(async () => {
      const [older, newer] = [...chosen].sort((a, b) => a - b);
      if (older === undefined || newer === undefined) return;
      setPair(await Promise.all([api.remembered(older), api.remembered(newer)]));
    });

  const list = entries ?? [];
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
          <button type="button" class="button small" disabled={chosen.length < 2} onClick={() => void compare()}>
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
        {failed && (
          <p class="note bad" role="alert">
            {failed}
          </p>
        )}
      </div>
      <ol class="history-list" aria-label="Calls">
        {list.map((entry) => (
          <li key={entry.id} class={remembered.value?.id === entry.id ? "call current" : "call"}>
            <Call
              entry={entry}
              id={`${id}-${entry.id}`}
              chosen={chosen.includes(entry.id)}
              onMark={(on) => setChosen(marked(chosen, entry.id, on))}
              onShow={() => void attempt(async () => show(await api.remembered(entry.id)))}
              onReplay={() => void attempt(async () => replay(await api.remembered(entry.id)))}
              onForget={() => void forget(entry)}
            />
          </li>
        ))}
      </ol>
      {more && (
        <button type="button" class="button small history-more" onClick={() => void older()}>
          Older calls
        </button>
      )}
      {entries && !list.length && (
        <p class="empty">{search ? "No call has these words." : "No call has been made yet."}</p>
      )}
      {clearing && <Clear onClear={() => void clear()} onClose={() => setClearing(false)} />}
      {pair && <Compare pair={pair} onClose={() => setPair(null)} />}
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
        <Method name={method} /> {target}
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
