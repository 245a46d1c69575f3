// Requests to begin with, each of which the simulator answers.

import { computed, signal } from "@preact/signals";

import { failures } from "../shell/load";
import { examples } from "../state";
import { ExampleItem } from "./ExampleItem";
import { findExamples } from "./examples.ts";
import { Loading } from "./Loading";
import { useSaid } from "./said";

/** What is searched for; the search over all of the API hands its words on. */
export const wanted = signal("");
const shown = computed(() => {
  return wanted.value.trim() === "" ? examples.value : findExamples(examples.value, wanted.value);
});
const count = computed(() => {
  const { length } = shown.value;
  if (wanted.value.trim() === "") return "";
  return length === 0 ? "Nothing found" : `${length} ${length === 1 ? "example" : "examples"} found`;
});

export function Examples() {
  useSaid(count);
  if (examples.value.length === 0) return <Loading what="the examples" failed={failures.value.examples} />;
  const groups = Map.groupBy(shown.value, ({ group }) => group);
  return (
    <>
      <div class="search" role="search">
        <input
          class="input"
          type="search"
          aria-label="Search the examples"
          placeholder="Words of a title, a path, a query"
          value={wanted.value}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => (wanted.value = event.currentTarget.value)}
        />
        {count.value && <p class="search-count">{count.value}</p>}
      </div>
      <div class="examples tree-box">
        {[...groups].map(([group, some]) => (
          <details key={group} open>
            <summary>
              <h2>{group}</h2> <span class="quiet small">{some.length}</span>
            </summary>
            <ul role="list" aria-label={group}>
              {some.map((example) => (
                <ExampleItem key={example.id} example={example} />
              ))}
            </ul>
          </details>
        ))}
      </div>
    </>
  );
}
