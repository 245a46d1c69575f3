// The faults of query, orderby, fields and size in words, each with its mend.

import { focusEditor } from "../editor/Plain";
import { mended, mendLabel } from "../editor/mend";
import { compose, composed } from "../state";
import type { Diagnostic } from "../types";
import { announce } from "../ui/announce";
import { checked, faultsOf } from "./checking";

/** What one looks through; the rest is told by its number. */
const MOST = 30;

export function Faults() {
  const answer = checked.value;
  const faults = answer?.result.diagnostics ?? [];
  if (!answer || faults.length === 0) return null;
  const { fixed } = answer.result;
  const query = answer.asked.texts.query ?? "";
  const shown = faults.slice(0, MOST);
  return (
    <div class="stack faults">
      <ul class="stack" role="list" aria-label="Faults">
        {shown.map((fault, index) => (
          <Fault key={`${fault.parameter} ${fault.code} ${index}`} of={fault} />
        ))}
      </ul>
      <div class="row">
        {faults.length > shown.length && <span class="quiet">and {faults.length - shown.length} more</span>}
        {fixed !== null && fixed !== query && (
          <button type="button" class="button small" onClick={() => put("query", query, fixed)}>
            Mend all
          </button>
        )}
        {fixed === null && faults.filter(({ suggestion }) => suggestion !== null).length > 1 && (
          <span class="quiet small">Not all mends are certain: choose one by one.</span>
        )}
        <span class="quiet small">Judged by {answer.result.spec}</span>
      </div>
    </div>
  );
}

function Fault({ of: fault }: { of: Diagnostic }) {
  const { code, severity, message, suggestion, parameter } = fault;
  const text = faultsOf(parameter as "query", checked.value).text;
  return (
    <li class={`note row ${severity === "error" ? "bad" : "warn"}`}>
      <span class="spread">
        <strong>{severity === "error" ? "Error" : "Warning"}</strong>
        {parameter !== "query" && ` in ${parameter}`}: {message} <code class="quiet">{code}</code>
      </span>
      {suggestion !== null && parameter !== "endpoint" && (
        <button type="button" class="button small" onClick={() => put(parameter, text, mended(text, fault))}>
          {mendLabel(suggestion)}
        </button>
      )}
    </li>
  );
}

/** Put a text in the place of the one that was judged; what was typed since then wins. */
function put(parameter: string, judged: string, text: string): void {
  const { params } = composed.peek();
  const at = params.findIndex(({ name, value, on }) => on && name === parameter && value === judged);
  if (at < 0) return;
  compose({ params: params.map((param, index) => (index === at ? { ...param, value: text } : param)) });
  announce(`${parameter} is mended`);
  // The button goes with its fault: the focus goes where the mend is seen.
  focusEditor(document.querySelector(`[data-parameter="${parameter}"]`));
}

/** Put another spelling in the place of the query that was judged. */
export function rewriteQuery(text: string): void {
  const query = checked.peek()?.asked.texts.query;
  if (query !== undefined) put("query", query, text);
}
