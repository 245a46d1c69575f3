// Requests to begin with, each of which the simulator answers.

import { failures } from "../shell/load";
import { examples } from "../state";
import type { Example } from "../types";
import { Method } from "../ui/badges";
import { Prose } from "../ui/Prose";
import { openExample } from "./choose";
import { Loading } from "./Loading";

export function Examples() {
  const all = examples.value;
  if (all.length === 0) return <Loading what="the examples" failed={failures.value.examples} />;
  const groups = Map.groupBy(all, ({ group }) => group);
  return (
    <div class="examples">
      {[...groups].map(([group, some]) => (
        <section key={group} aria-label={group}>
          <h2>{group}</h2>
          <ul>
            {some.map((example) => (
              <Item key={example.id} example={example} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Item({ example }: { example: Example }) {
  const { id, title, doc, request, writes } = example;
  return (
    <li class="example">
      <Method name={request.method} />
      <div>
        <button type="button" aria-describedby={`example-${id}`} onClick={() => openExample(example)}>
          {title}
        </button>
        <p id={`example-${id}`}>
          <Prose text={doc} />
          {writes && (
            <>
              {" "}
              <span class="badge warn">changes data</span>
            </>
          )}
        </p>
      </div>
    </li>
  );
}
