// The extensions of a query editor: completions and faults come from the local server, the colours are only a look.

import {
  autocompletion,
  completionKeymap,
  startCompletion,
  type Completion as Option,
  type CompletionContext,
  type CompletionResult,
} from "@codemirror/autocomplete";
import { StreamLanguage } from "@codemirror/language";
import { lintKeymap, type Diagnostic as Mark } from "@codemirror/lint";
import { Prec, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";

import { api, Trouble } from "../api";
import type { Completion, Diagnostic } from "../types";
import { mendLabel } from "./mend";

export type QueryParameter = "query" | "orderby" | "fields";

/** Colours of what a word looks like; it knows nothing of what is right. */
const look = StreamLanguage.define({
  token(stream) {
    if (stream.match(/^'(?:[^']|'')*'?/)) return "string";
    if (stream.match(/^[+-]?\d[\w.:+-]*/)) return "number";
    if (stream.match(/^(?:and|or|not|empty|true|false|asc|desc)(?![\w.])/i)) return "keyword";
    if (stream.match(/^[\w.]+/)) return "variableName";
    if (stream.match(/^[<>=!~]+/)) return "operator";
    stream.next();
    return null;
  },
});

/** What may stand at the cursor, as the server knows it. `endpoint` is asked at each completion. */
function completions(parameter: QueryParameter, endpoint: () => string | null) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const stop = new AbortController();
    context.addEventListener("abort", () => stop.abort(), { onDocChange: true });
    const asked = { endpoint: endpoint(), parameter, text: context.state.sliceDoc(), cursor: context.pos };
    try {
      const found = await api.complete(asked, stop.signal);
      if (context.aborted || found.length === 0) return null;
      // Who has gone on to another field is done here; what stands there already is no offer.
      if (context.view && context.view.root.activeElement !== context.view.contentDOM) return null;
      const [only] = found;
      if (found.length === 1 && only!.text.trim() === asked.text.slice(only!.start, only!.end)) return null;
      const from = Math.min(...found.map(({ start }) => start));
      return { from, filter: false, options: found.map(option) };
    } catch (error) {
      // Faults tell of a server that is gone; a completion that fails is none.
      if (error instanceof Trouble) return null;
      throw error;
    }
  };
}

const KINDS: Record<Completion["kind"], string> = {
  field: "property",
  operator: "keyword",
  value: "enum",
  form: "text",
  connective: "keyword",
  bracket: "text",
  direction: "keyword",
};

function option({ text, kind, start, end, detail }: Completion): Option {
  return {
    label: text,
    displayLabel: text.trim() || text,
    detail: detail || kind,
    type: KINDS[kind],
    apply(view) {
      // Of an empty text in quotes the inside is typed next.
      const inside = text === "''" ? 1 : text.length;
      view.dispatch({
        changes: { from: start, to: end, insert: text },
        selection: { anchor: start + inside },
        userEvent: "input.complete",
        scrollIntoView: true,
      });
    },
  };
}

/** A fault as the editor marks it: at least one character wide, so that it can be seen and pointed at. */
export function mark(fault: Diagnostic, length: number): Mark {
  const { code, severity, message, suggestion } = fault;
  const end = Math.min(Math.max(fault.end, fault.start + 1), length);
  const start = Math.max(0, Math.min(fault.start, end - 1));
  const made: Mark = { from: start, to: end, severity, source: code, message };
  if (suggestion === null) return made;
  // The mend counts from the fault's own place, which moves with the text.
  const [before, after] = [fault.start - start, end - fault.end];
  return {
    ...made,
    actions: [
      {
        name: mendLabel(suggestion),
        apply(view, from, to) {
          const place = { from: from + before, to: Math.max(from + before, to - after) };
          view.dispatch({
            changes: { ...place, insert: suggestion },
            selection: { anchor: place.from + suggestion.length },
            userEvent: "input.mend",
          });
          view.focus();
        },
      },
    ],
  };
}

/** All but the faults, which are set from outside as they come. */
export function queryExtensions(parameter: QueryParameter, endpoint: () => string | null): Extension {
  return [
    look,
    autocompletion({
      override: [completions(parameter, endpoint)],
      // Faults come first.
      activateOnTypingDelay: 100,
      maxRenderedOptions: 200,
      icons: false,
    }),
    keymap.of([{ key: "Ctrl-Space", run: startCompletion }, ...completionKeymap]),
    // The list of faults takes the place of the linter's panel; F8 goes from one to the next.
    keymap.of(lintKeymap.filter(({ key }) => key === "F8")),
    // One line: Enter takes a completion or does nothing, and line breaks of what is pasted become blanks.
    Prec.low(keymap.of([{ key: "Enter", run: () => true, shift: () => true }])),
    EditorView.clipboardInputFilter.of((text) => text.replace(/\s*[\r\n]+\s*/g, " ")),
    EditorView.contentAttributes.of({ "aria-multiline": "false" }),
  ];
}
