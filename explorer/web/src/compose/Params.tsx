// The query parameters: those of the operation, and any others.

import { useId, useMemo } from "preact/hooks";

import { QueryEditor } from "../editor/QueryEditor";
import type { QueryParameter } from "../editor/query";
import { compose, composed, operation } from "../state";
import { checked, faultsOf, takesQuery } from "./checking";
import { Faults } from "./Faults";
import { Doc } from "./Doc";
import { focusLast } from "./focus";
import { Meaning } from "./Meaning";
import { comesFirst, type Row, rows, switched, typed } from "./refit";

export function Params() {
  const { params } = composed.value;
  const shown = rows(params, operation.value);
  const first = shown.filter(({ free, name }) => !free && comesFirst(name));
  const others = shown.filter((row) => !first.includes(row));
  // What is said of the query stands below its fields, wherever they are.
  const said = takesQuery.value && (
    <>
      <Faults />
      <Meaning />
    </>
  );
  return (
    <fieldset class="stack" id="params">
      <legend>Parameters</legend>
      {first.map((row) => (
        <ParamRow key={row.key} row={row} />
      ))}
      {first.length > 0 && said}
      {others.map((row) => (
        <ParamRow key={row.key} row={row} />
      ))}
      {first.length === 0 && said}
      <div>
        <button
          type="button"
          class="button small"
          onClick={() => {
            compose({ params: [...params, { name: "", value: "", on: true }] });
            focusLast("params", ".entry-name input");
          }}
        >
          Add a parameter
        </button>
      </div>
    </fieldset>
  );
}

function ParamRow({ row }: { row: Row }) {
  const id = useId();
  const { name, value, on, doc, free, index } = row;
  const called = name || "the parameter";
  const describedBy = doc ? `${id}-doc` : undefined;
  const put = (text: string) => compose({ params: typed(composed.peek().params, row, text) });
  const query = takesQuery.value && isQuery(name) ? name : null;
  return (
    <div class={on ? "entry with-switch" : "entry with-switch off"}>
      <input
        type="checkbox"
        aria-label={`Send ${called}`}
        checked={on}
        onChange={(event) => compose({ params: switched(composed.peek().params, row, event.currentTarget.checked) })}
      />
      {free ? <FreeName row={row} /> : <span class="entry-name mono">{name}</span>}
      <div class="entry-value" data-parameter={name}>
        {query ? (
          <Query parameter={query} value={value} onInput={put} describedBy={describedBy} />
        ) : (
          <input
            class="input mono"
            aria-label={name || "Value"}
            aria-describedby={describedBy}
            autocomplete="off"
            spellcheck={false}
            value={value}
            onInput={(event) => put(event.currentTarget.value)}
          />
        )}
      </div>
      {free && index !== null && (
        <button
          type="button"
          class="icon"
          aria-label={`Remove ${called}`}
          onClick={() => compose({ params: composed.peek().params.filter((_, other) => other !== index) })}
        >
          <span aria-hidden="true">✕</span>
        </button>
      )}
      {doc && (
        <p id={`${id}-doc`} class="entry-doc">
          <Doc text={doc} />
        </p>
      )}
    </div>
  );
}

function FreeName({ row: { name, index } }: { row: Row }) {
  return (
    <span class="entry-name">
      <input
        class="input mono"
        aria-label="Parameter name"
        placeholder="name"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={name}
        onInput={(event) => {
          const text = event.currentTarget.value;
          const change = composed.peek().params.map((param, at) => (at === index ? { ...param, name: text } : param));
          compose({ params: change });
        }}
      />
    </span>
  );
}

interface QueryProps {
  parameter: QueryParameter;
  value: string;
  onInput: (text: string) => void;
  describedBy: string | undefined;
}

function Query({ parameter, ...rest }: QueryProps) {
  const answer = checked.value;
  const faults = useMemo(() => faultsOf(parameter, answer), [parameter, answer]);
  return <QueryEditor parameter={parameter} endpoint={operation.value?.endpoint ?? null} faults={faults} {...rest} />;
}

function isQuery(name: string): name is QueryParameter {
  return name === "query" || name === "orderby" || name === "fields";
}
