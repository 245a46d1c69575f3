// An example in a list: the whole entry is its button.

import { useId } from "preact/hooks";

import type { Example } from "../types";
import { Method } from "../ui/badges";
import { Prose } from "../ui/Prose";
import { openExample } from "./choose";

export function ExampleItem({ example }: { example: Example }) {
  const { title, doc, request, writes } = example;
  // One example may be in two lists.
  const id = useId();
  return (
    <li class="example">
      <Method name={request.method} />
      <div>
        <button type="button" aria-describedby={id} onClick={() => openExample(example)}>
          {title}
        </button>
        <p id={id}>
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
