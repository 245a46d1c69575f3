// One line on how the call goes and went.

import { records } from "../sending";
import { answer, pages, sending } from "../state";
import type { Answer } from "../types";
import { rows } from "./result";
import { bytes, duration, many } from "./words.ts";

const sum = (all: readonly Answer[], key: "milliseconds" | "size") => all.reduce((most, one) => most + one[key], 0);

export function Status() {
  const last = answer.value;
  const all = pages.value;
  const so = `${many(all.length, "page")}, ${many(records(all), "record")}`;
  return (
    <div class="answer-status">
      <h2>Answer</h2>
      <div role="status">
        {sending.value && <span>{sending.value.all ? "Fetching all pages…" : "Sending…"}</span>}
        {last && !(sending.value && all.length < 2 && !sending.value.all) && (
          <>
            <span class={`badge status ${last.status < 300 ? "ok" : last.status < 400 ? "accent" : "bad"}`}>
              {last.status} {last.reason}
            </span>
            <span>{duration(sum(all, "milliseconds"))}</span>
            <span>{bytes(sum(all, "size"))}</span>
            {rows.value && <span>{many(records(all), "record")}</span>}
            {all.length > 1 && <span>{many(all.length, "page")}</span>}
          </>
        )}
      </div>
      {sending.value && (
        <>
          <progress aria-label="Pages" aria-valuetext={so} />
          <button type="button" class="button small" onClick={sending.value.stop}>
            Stop
          </button>
        </>
      )}
    </div>
  );
}
