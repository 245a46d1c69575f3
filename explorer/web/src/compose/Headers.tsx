// Headers beside those that every request has. Credentials belong into their own dialog, and are never kept.

import { compose, composed } from "../state";
import { focusLast } from "./focus";

export function Headers() {
  const { headers } = composed.value;
  const change = (at: number, part: { name?: string; value?: string }) =>
    compose({ headers: headers.map((header, index) => (index === at ? { ...header, ...part } : header)) });
  return (
    <fieldset class="stack" id="headers">
      <legend>Headers</legend>
      {headers.map(({ name, value }, index) => (
        <div class="entry" key={index}>
          <span class="entry-name">
            <input
              class="input mono"
              aria-label="Header name"
              placeholder="name"
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              value={name}
              onInput={(event) => change(index, { name: event.currentTarget.value })}
            />
          </span>
          <input
            class="input mono"
            aria-label={name || "Header value"}
            autocomplete="off"
            spellcheck={false}
            value={value}
            onInput={(event) => change(index, { value: event.currentTarget.value })}
          />
          <button
            type="button"
            class="icon"
            aria-label={`Remove ${name || "the header"}`}
            onClick={() => compose({ headers: headers.filter((_, other) => other !== index) })}
          >
            <span aria-hidden="true">✕</span>
          </button>
        </div>
      ))}
      <div>
        <button
          type="button"
          class="button small"
          onClick={() => {
            compose({ headers: [...headers, { name: "", value: "" }] });
            focusLast("headers", ".entry-name input");
          }}
        >
          Add a header
        </button>
      </div>
    </fieldset>
  );
}
