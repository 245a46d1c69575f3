// The request's body, as JSON or XML by its type.

import { useId, useState } from "preact/hooks";

import { BodyEditor } from "../editor/BodyEditor";
import { focusEditor } from "../editor/Plain";
import { indented, syntaxOf } from "../editor/syntax";
import { compose, composed, operation } from "../state";
import { toast } from "../ui/announce";
import { Combobox } from "./Combobox";

const BODILESS = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);
const TYPES = [
  { value: "application/json", note: "JSON" },
  { value: "application/xml", note: "XML" },
  { value: "text/xml", note: "XML" },
  { value: "text/plain", note: "text" },
  { value: "application/octet-stream", note: "anything" },
];

export function Body() {
  const [wanted, setWanted] = useState(false);
  const id = useId();
  const { method, path, body, content_type } = composed.value;
  const about = operation.value?.body ?? null;
  if (BODILESS.has(method) && !about && body === "" && !wanted) {
    return (
      <div>
        <button
          type="button"
          class="button small"
          onClick={() => {
            setWanted(true);
            requestAnimationFrame(() => focusEditor(document.getElementById("body")));
          }}
        >
          Add a body
        </button>
      </div>
    );
  }
  const syntax = syntaxOf(content_type, path);
  const suggested = syntax === "json" ? "application/json" : "application/xml";
  return (
    <fieldset class="stack" id="body">
      <legend>Body</legend>
      <div class="row">
        <Combobox
          label="Content type"
          class="content-type"
          placeholder={suggested}
          value={content_type}
          onInput={(text) => compose({ content_type: text })}
          onPick={(text) => compose({ content_type: text })}
          options={() => TYPES}
        />
        <span class="spread" />
        {about && about.example !== "" && (
          <button type="button" class="button small" disabled={body === about.example} onClick={() => start(body)}>
            Start from the example
          </button>
        )}
        {syntax === "json" && (
          <button type="button" class="button small" disabled={body.trim() === ""} onClick={() => indent(body)}>
            Indent
          </button>
        )}
      </div>
      <BodyEditor syntax={syntax} value={body} onInput={(text) => compose({ body: text })} describedBy={id} />
      <p id={id} class="entry-doc">
        {content_type === "" && `Sent as ${suggested}, as the path suggests. `}
        Tab leaves the editor.
      </p>
    </fieldset>
  );
}

/** Put the example there; what was typed can be had back. */
function start(before: string): void {
  const about = operation.peek()?.body;
  if (!about) return;
  const type = composed.peek().content_type;
  compose({ body: about.example, content_type: about.media_type });
  if (before === "") return;
  toast("The example took the place of the body", {
    label: "Undo",
    run: () => compose({ body: before, content_type: type }),
  });
}

function indent(body: string): void {
  const text = indented(body);
  if (text === null) toast("The body is no JSON yet: its faults are underlined");
  else compose({ body: text });
}
