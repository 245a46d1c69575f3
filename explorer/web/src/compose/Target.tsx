// Method and path: typed freely, with what the spec knows to choose from.

import { useMemo } from "preact/hooks";

import { catalog, compose, composed } from "../state";
import { Combobox, type Option } from "./Combobox";
import { fitting, knownPaths } from "./path";

const METHODS: readonly Option[] = [
  { value: "GET", note: "read" },
  { value: "POST", note: "create, or ask for something to be done" },
  { value: "PUT", note: "change" },
  { value: "DELETE", note: "remove" },
  { value: "HEAD", note: "read the headers" },
  { value: "PATCH", note: "change a part" },
  { value: "OPTIONS", note: "ask what is allowed" },
];

export function Target() {
  const { method, path } = composed.value;
  const paths = useMemo(() => knownPaths(catalog.value), [catalog.value]);

  function pickPath(picked: string): void {
    const methods = paths.find((known) => known.path === picked)?.methods ?? [];
    compose({ path: picked, method: methods.includes(method) ? method : (methods[0] ?? method) });
  }

  return (
    <div class="target">
      <Combobox
        label="Method"
        class={`target-method method-${method.toLowerCase()}`}
        value={method}
        onInput={(text) => compose({ method: text.trim().toUpperCase() })}
        onPick={(picked) => compose({ method: picked })}
        options={(text) => {
          // A method that is there is no search for another.
          const whole = METHODS.some(({ value }) => value === text);
          return whole ? METHODS : METHODS.filter(({ value }) => value.startsWith(text));
        }}
      />
      <Combobox
        label="Path"
        class="target-path"
        value={path}
        onInput={(text) => compose({ path: text })}
        onPick={pickPath}
        options={(text) =>
          fitting(paths, text).map(({ path: value, methods, title }) => ({
            value,
            note: [methods.join(" "), title].filter(Boolean).join(" · "),
          }))
        }
      />
    </div>
  );
}
