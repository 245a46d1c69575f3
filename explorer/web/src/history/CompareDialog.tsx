// Two answers side by side, what differs marked, what is the same folded away.

import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorView } from "@codemirror/view";
import { useEffect, useMemo, useRef } from "preact/hooks";

import { ordered } from "../answer/json.ts";
import { laidOut, reading } from "../answer/TextView";
import type { HistoryDetail } from "../types";
import { Dialog } from "../ui/Dialog";
import { when } from "./entries.ts";
import { changes } from "./lines.ts";

/** Side by side from this width on, in pixels; below it one over the other. */
const ROOM = 700;
const DIFF = { override: changes };

function comparable({ kind, text, shortened }: HistoryDetail): string {
  if (text === null) return "";
  return kind === "json" && !shortened ? ordered(text) : laidOut({ text, kind, cut: shortened });
}

const named = (call: HistoryDetail): string =>
  `${call.status ?? "no answer"} · ${call.method} ${call.target} · ${when(call.at, new Date())}`;

interface CompareProps {
  pair: readonly [HistoryDetail, HistoryDetail];
  onClose: () => void;
}

export function CompareDialog({ pair, onClose }: CompareProps) {
  const [older, newer] = pair;
  const host = useRef<HTMLDivElement>(null);
  const [a, b] = useMemo(() => [comparable(older), comparable(newer)] as const, [older, newer]);

  useEffect(() => {
    const parent = host.current!;
    const [left, right] = [reading(older.kind, "The older answer"), reading(newer.kind, "The newer answer")];
    if (parent.clientWidth >= ROOM) {
      const view = new MergeView({
        parent,
        a: { doc: a, extensions: left },
        b: { doc: b, extensions: right },
        collapseUnchanged: { margin: 2, minSize: 6 },
        diffConfig: DIFF,
      });
      return () => view.destroy();
    }
    const unified = unifiedMergeView({
      original: a,
      mergeControls: false,
      collapseUnchanged: { margin: 2, minSize: 6 },
      diffConfig: DIFF,
    });
    const view = new EditorView({ parent, doc: b, extensions: [right, unified] });
    return () => view.destroy();
  }, [a, b]);

  return (
    <Dialog title="Two answers compared" onClose={onClose} wide>
      <dl class="compared">
        <div>
          <dt>Older</dt>
          <dd class="mono">{named(older)}</dd>
        </div>
        <div>
          <dt>Newer</dt>
          <dd class="mono">{named(newer)}</dd>
        </div>
      </dl>
      {older.shortened || newer.shortened ? (
        <p class="note">The history keeps only the beginning of long answers: only that is compared.</p>
      ) : null}
      <p role="status">{a === b ? "The answers are the same." : "The answers differ."}</p>
      <div class="compare-view" ref={host} />
    </Dialog>
  );
}
