// What the example that the request was begun from shows, and what has to be sent before it.

import { signal } from "@preact/signals";

import { composed, example, examples } from "../state";
import type { Example } from "../types";
import { Prose } from "../ui/Prose";
import { openExample } from "./choose";

/** The example that another one was opened for, to be sent before it. */
const before = signal<Example | null>(null);

export function ExampleNote() {
  const of = example.value;
  // A request that became one of something else is no longer that of the example.
  const { method, path } = composed.value;
  if (of === null || method !== of.request.method || path !== of.request.path) return null;
  const first = of.first.flatMap((id) => examples.value.find((one) => one.id === id) ?? []);
  const back = before.value?.first.includes(of.id) ? before.value : null;
  if (!of.doc && first.length === 0 && back === null) return null;
  return (
    <div class="note example-note" role="note" aria-label="Example">
      <p>
        <strong>{of.title}</strong> <Prose text={of.doc} />
      </p>
      {first.length > 0 && (
        <p class="row">
          First send
          {first.map((one) => (
            <button
              key={one.id}
              type="button"
              class="button small"
              onClick={() => {
                before.value = of;
                openExample(one);
              }}
            >
              {one.title}
            </button>
          ))}
        </p>
      )}
      {back && (
        <p class="row">
          Then go back to
          <button type="button" class="button small" onClick={() => openExample(back)}>
            {back.title}
          </button>
        </p>
      )}
    </div>
  );
}
