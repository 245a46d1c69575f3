// An editor for a request's body: a plain text field until its code is there.

import { lazy } from "../ui/lazy";
import type { Syntax } from "./body";
import { Plain } from "./Plain";

import "./editor.css";

export interface BodyEditorProps {
  syntax: Syntax;
  value: string;
  onInput: (value: string) => void;
  describedBy?: string | undefined;
}

function Fallback({ value, onInput, describedBy }: BodyEditorProps) {
  return <Plain label="Body" value={value} rows={8} onInput={onInput} describedBy={describedBy} />;
}

export const BodyEditor = lazy<BodyEditorProps>(async () => (await import("./BodyCode")).default, Fallback);
