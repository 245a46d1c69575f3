// A CodeMirror editor as a component: it holds what `value` says, and tells what is typed.

import { Annotation, Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useLayoutEffect, useRef } from "preact/hooks";

import { shown, typing } from "./base";
import { change } from "./change";
import { takeOver } from "./Plain";

/** Marks a change that came from outside, and is not told back. */
const given = Annotation.define<boolean>();

interface Props {
  /** Its accessible name. */
  label: string;
  value: string;
  onInput: (value: string) => void;
  /** Ids of what describes it. */
  describedBy?: string | undefined;
  /** Kept as long as it is the same object. */
  extensions: Extension;
  onView?: (view: EditorView | null) => void;
  /** Something was typed into the plain field before the editor was there. */
  onTakenOver?: (view: EditorView) => void;
}

export function CodeMirror({ label, value, onInput, describedBy, extensions, onView, onTakenOver }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const tell = useRef(onInput);
  tell.current = onInput;
  const parts = useRef({ own: new Compartment(), names: new Compartment() });

  useLayoutEffect(() => {
    const { own, names } = parts.current;
    const made = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          names.of(named(label, describedBy)),
          own.of(extensions),
          typing(),
          shown(),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !update.transactions.some((one) => one.annotation(given))) {
              tell.current(update.state.sliceDoc());
            }
          }),
        ],
      }),
    });
    view.current = made;
    onView?.(made);
    const cursor = takeOver(label);
    if (cursor !== null) {
      made.dispatch({ selection: { anchor: Math.min(cursor, made.state.doc.length) } });
      made.focus();
      if (cursor > 0) onTakenOver?.(made);
    }
    return () => {
      view.current = null;
      onView?.(null);
      made.destroy();
    };
  }, []);

  useLayoutEffect(() => {
    const changes = view.current && change(view.current.state.sliceDoc(), value);
    if (changes) view.current!.dispatch({ changes, annotations: given.of(true) });
  }, [value]);

  useLayoutEffect(() => {
    view.current?.dispatch({ effects: parts.current.own.reconfigure(extensions) });
  }, [extensions]);

  useLayoutEffect(() => {
    view.current?.dispatch({ effects: parts.current.names.reconfigure(named(label, describedBy)) });
  }, [label, describedBy]);

  return <div ref={host} class="code-host" />;
}

function named(label: string, describedBy: string | undefined): Extension {
  return EditorView.contentAttributes.of({
    "aria-label": label,
    ...(describedBy ? { "aria-describedby": describedBy } : {}),
  });
}
