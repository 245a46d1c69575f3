// The extensions of the body's editor, by what the body is.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { xml } from "@codemirror/lang-xml";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { linter, lintKeymap, type Diagnostic } from "@codemirror/lint";
import type { Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";

export type Syntax = "json" | "xml" | "text";

export function bodyExtensions(syntax: Syntax): Extension {
  return [
    syntax === "json" ? [json(), linter(jsonFaults, { delay: 200 })] : syntax === "xml" ? xml() : [],
    syntax === "text" ? [] : [codeFolding(), foldGutter(), bracketMatching(), closeBrackets(), indentOnInput()],
    keymap.of([...closeBracketsKeymap, ...foldKeymap, ...lintKeymap.filter(({ key }) => key === "F8")]),
    EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, "\n")),
  ];
}

const parsed = jsonParseLinter();

/** An empty body is none, and no fault. A place is marked by its character, or the last one before it. */
function jsonFaults(view: EditorView): Diagnostic[] {
  const { length } = view.state.doc;
  if (view.state.sliceDoc().trim() === "") return [];
  return parsed(view).map((fault) => {
    const from = Math.min(fault.from, length - 1);
    return { ...fault, from, to: Math.max(fault.to, from + 1) };
  });
}
