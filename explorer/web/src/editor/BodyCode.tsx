// The body's editor itself; `BodyEditor` fetches it when it is first shown.

import { useMemo } from "preact/hooks";

import { bodyExtensions } from "./body";
import type { BodyEditorProps } from "./BodyEditor";
import { CodeMirror } from "./CodeMirror";

export default function BodyCode({ syntax, value, onInput, describedBy }: BodyEditorProps) {
  const extensions = useMemo(() => bodyExtensions(syntax), [syntax]);
  return <CodeMirror label="Body" value={value} onInput={onInput} describedBy={describedBy} extensions={extensions} />;
}
