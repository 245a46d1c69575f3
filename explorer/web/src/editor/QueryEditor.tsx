// An editor for `query`, `orderby` and `fields`: a plain text field until its code is there.

import { lazy } from "../ui/lazy";
import type { Diagnostic } from "../types";
import { Plain } from "./Plain";
import type { QueryParameter } from "./query";

import "./editor.css";

/** The faults of a text; they are shown while it still is the text. */
export interface Faults {
  text: string;
  found: Diagnostic[];
}

export interface QueryEditorProps {
  /** The parameter's wire name, which is the editor's accessible name. */
  parameter: QueryParameter;
  endpoint: string | null;
  value: string;
  faults: Faults;
  onInput: (value: string) => void;
  describedBy?: string | undefined;
}

function Fallback({ parameter, value, onInput, describedBy }: QueryEditorProps) {
  return <Plain label={parameter} value={value} rows={1} onInput={onInput} describedBy={describedBy} />;
}

export const QueryEditor = lazy<QueryEditorProps>(async () => (await import("./QueryCode")).default, Fallback);
