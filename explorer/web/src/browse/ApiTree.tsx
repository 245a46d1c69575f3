// The search and the tree below it.

import { computed, effect, signal } from "@preact/signals";

import { aside, catalog, examples, operation } from "../state";
import { failures } from "../shell/load";
import { choose } from "./choose";
import { ExampleItem } from "./ExampleItem";
import { wanted } from "./Examples";
import { findExamples } from "./examples.ts";
import { Loading } from "./Loading";
import { useSaid } from "./said";
import { type Hit, searcher } from "./search";
import { Tree } from "./Tree";
import { filtered, rows, tree, type TreeNode, way } from "./tree";

/** So many examples are listed below the hits of the search. */
const FEW = 5;

const text = signal("");
/** What is open while browsing, and what is shut among hits, which are open at first. */
const opened = signal<ReadonlySet<string>>(new Set(["v1"]));
const shut = signal<ReadonlySet<string>>(new Set());
const at = signal("");

const whole = computed(() => (catalog.value ? tree(catalog.value) : []));
const search = computed(() => (catalog.value ? searcher(catalog.value) : null));
const hits = computed<Hit[] | null>(() => (text.value.trim() === "" ? null : (search.value?.(text.value) ?? null)));
const why = computed(() => new Map((hits.value ?? []).map((hit) => [hit.operation.id, hit.why] as const)));
const shown = computed(() => {
  if (hits.value === null) return rows(whole.value, (id) => opened.value.has(id));
  const kept = filtered(whole.value, new Set(hits.value.map((hit) => hit.operation.id)));
  return rows(kept, (id) => !shut.value.has(id));
});
const shows = computed(() => findExamples(examples.value, text.value));
const count = computed(() => {
  if (hits.value === null) return "";
  const found = hits.value.length;
  const beside = shows.value.length;
  if (found === 0 && beside === 0) return "Nothing found";
  const also = beside === 0 ? "" : `, ${beside} ${beside === 1 ? "example" : "examples"}`;
  return `${found} ${found === 1 ? "operation" : "operations"}${also} found`;
});

// The operation of the request is in sight, however the request came to be.
effect(() => {
  const id = operation.value?.id;
  const found = id === undefined ? [] : way(whole.value, id);
  if (found.length === 0) return;
  opened.value = new Set([...opened.peek(), ...found]);
  at.value = id!;
});

function turn(id: string, open: boolean): void {
  const among = hits.peek() === null ? opened : shut;
  const inside = new Set(among.peek());
  if (open === (among === opened)) inside.add(id);
  else inside.delete(id);
  among.value = inside;
}

function take(node: TreeNode): void {
  if (node.operation) choose(node.operation);
  else turn(node.id, !shown.peek().find((row) => row.node.id === node.id)?.open);
}

function onSearchKey(event: KeyboardEvent): void {
  const first = hits.peek()?.[0];
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && first) {
    event.preventDefault();
    at.value = first.operation.id;
    choose(first.operation);
  } else if (event.key === "ArrowDown") {
    event.preventDefault();
    document.querySelector<HTMLElement>(".tree [role=treeitem][tabindex='0']")?.focus();
  }
}

export function ApiTree() {
  useSaid(count);
  return (
    <>
      <div class="search" role="search">
        <input
          id="search-api"
          class="input"
          type="search"
          aria-label="Search paths, fields and parameters"
          placeholder="Search paths, fields, parameters   /"
          value={text.value}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            shut.value = new Set();
            text.value = event.currentTarget.value;
          }}
          onKeyDown={onSearchKey}
        />
        {count.value && <p class="search-count">{count.value}</p>}
      </div>
      <div class="tree-box">
        {catalog.value ? (
          <>
            <Tree
              rows={shown.value}
              why={why.value}
              at={at.value}
              onGo={(id) => (at.value = id)}
              onOpen={turn}
              onChoose={take}
            />
            {hits.value === null ? <Unavailable /> : <Shows />}
          </>
        ) : (
          <Loading what="the spec" failed={failures.value.catalog} />
        )}
      </div>
    </>
  );
}

/** Examples that have the words which are searched for. */
function Shows() {
  const found = shows.value;
  if (found.length === 0) return null;
  const all = () => {
    wanted.value = text.peek();
    aside.value = "examples";
  };
  return (
    <section class="examples" aria-label="Examples found">
      <h2>Examples</h2>
      <ul role="list">
        {found.slice(0, FEW).map((one) => (
          <ExampleItem key={one.id} example={one} />
        ))}
      </ul>
      {found.length > FEW && (
        <button type="button" class="button plain small" onClick={all}>
          All {found.length} examples
        </button>
      )}
    </section>
  );
}

function Unavailable() {
  const missing = catalog.value?.unavailable ?? [];
  if (missing.length === 0) return null;
  return (
    <details class="missing">
      <summary>{missing.length} not in this spec</summary>
      <ul>
        {missing.map(({ name, why: reason }) => (
          <li key={name}>
            <span class="mono">{name}</span> <span class="quiet">{reason}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
