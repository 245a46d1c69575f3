// The query editor itself; `QueryEditor` fetches it when it is first shown.

import { startCompletion } from "@codemirror/autocomplete";
import { diagnosticCount, setDiagnostics } from "@codemirror/lint";
import type { EditorView } from "@codemirror/view";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";

import { CodeMirror } from "./CodeMirror";
import type { QueryEditorProps } from "./QueryEditor";
import { mark, queryExtensions } from "./query";

/** Marks of one text: more can be told in a list, and not be seen. */
const MOST = 200;

export default function QueryCode({ parameter, endpoint, value, faults, onInput, describedBy }: QueryEditorProps) {
  const view = useRef<EditorView | null>(null);
  const where = useRef(endpoint);
  where.current = endpoint;
  const extensions = useMemo(() => queryExtensions(parameter, () => where.current), [parameter]);

  useLayoutEffect(() => {
    const editor = view.current;
    // Faults of a text that is no longer there: the editor moves the old marks with the text until new ones come.
    if (!editor || faults.text !== editor.state.sliceDoc()) return;
    if (faults.found.length === 0 && diagnosticCount(editor.state) === 0) return;
    const marks = faults.found.slice(0, MOST).map((fault) => mark(fault, faults.text.length));
    editor.dispatch(setDiagnostics(editor.state, marks.filter(({ from, to }) => from < to)));
  }, [faults]);

  return (
    <CodeMirror
      label={parameter}
      value={value}
      onInput={onInput}
      describedBy={describedBy}
      extensions={extensions}
      onView={(made) => {
        view.current = made;
      }}
      onTakenOver={startCompletion}
    />
  );
}
