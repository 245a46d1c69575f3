// A field for each placeholder of the path.

import { useId } from "preact/hooks";

import { compose, composed, operation } from "../state";
import { Doc } from "./Doc";
import { placeholders } from "./path";

export function PathValues() {
  const names = placeholders(composed.value.path);
  if (names.length === 0) return null;
  return (
    <fieldset class="stack">
      <legend>Path values</legend>
      {names.map((name) => (
        <PathValue key={name} name={name} />
      ))}
    </fieldset>
  );
}

function PathValue({ name }: { name: string }) {
  const id = useId();
  const doc = operation.value?.path_params.find((param) => param.name === name)?.doc;
  const { path_values } = composed.value;
  return (
    <div class="entry">
      <label class="entry-name mono" for={id}>
        {name}
      </label>
      <input
        id={id}
        class="input mono"
        autocomplete="off"
        spellcheck={false}
        value={path_values[name] ?? ""}
        aria-describedby={doc ? `${id}-doc` : undefined}
        onInput={(event) => compose({ path_values: { ...path_values, [name]: event.currentTarget.value } })}
      />
      {doc && (
        <p id={`${id}-doc`} class="entry-doc">
          <Doc text={doc} />
        </p>
      )}
    </div>
  );
}
