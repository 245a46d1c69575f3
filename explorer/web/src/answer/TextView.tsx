// The body as text, laid out and folded by CodeMirror; nothing in it is ever rendered.

import { foldGutter, foldKeymap } from "@codemirror/language";
import { json } from "@codemirror/lang-json";
import { xml } from "@codemirror/lang-xml";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useMemo, useRef } from "preact/hooks";

import { shown } from "../editor/base";
import type { Kind } from "../types";
import { pretty } from "./json.ts";
import { many } from "./words.ts";
import { prettyXml } from "./xml.ts";

/** So many characters are shown; the download has them all. */
const MOST = 4_000_000;

export interface TextProps {
  text: string;
  kind: Kind;
  /** Whether it is only the beginning. */
  cut: boolean;
}

/** The text as it is shown: JSON and XML over lines, all else as it came. */
export function laidOut({ text, kind, cut }: TextProps): string {
  try {
    return kind === "json" ? pretty(text, cut) : kind === "xml" ? prettyXml(text, cut) : text;
  } catch {
    return text; // longer than the browser's regular expressions go
  }
}

export function TextView({ text, kind, cut }: TextProps) {
  const host = useRef<HTMLDivElement>(null);
  const long = text.length > MOST;
  const laid = useMemo(() => laidOut({ text: text.slice(0, MOST), kind, cut: cut || long }), [text, kind, cut]);

  useEffect(() => {
    const view = new EditorView({
      parent: host.current!,
      state: EditorState.create({ doc: laid, extensions: reading(kind, "Body of the answer") }),
    });
    return () => view.destroy();
  }, [laid, kind]);

  return (
    <>
      {long && (
        <p class="note">The first {many(MOST, "character")} are shown; a download “As it came” has them all.</p>
      )}
      <div class="text-view" ref={host} />
    </>
  );
}

/** Extensions of a text that is only read. */
export function reading(kind: Kind, label: string): Extension {
  return [
    EditorState.readOnly.of(true),
    lineNumbers(),
    foldGutter(),
    keymap.of(foldKeymap),
    kind === "json" ? json() : kind === "xml" ? xml() : [],
    shown(),
    EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": "true", tabindex: "0" }),
  ];
}
