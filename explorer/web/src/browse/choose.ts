// Begins another request, and offers the former one back where something had been typed into it.

import { batch } from "@preact/signals";

import { same } from "../answer/asked.ts";
import { composed, example, notice, open, operation, pick } from "../state";
import type { Composed, Example, Operation } from "../types";
import { toast } from "../ui/announce";

export function choose(chosen: Operation): void {
  instead(() => pick(chosen));
}

export function openExample(chosen: Example): void {
  instead(() => open(chosen));
}

function instead(begin: () => void): void {
  const before = { request: composed.peek(), of: operation.peek(), note: notice.peek(), begun: example.peek() };
  begin();
  if (!typed(before.request, before.of) || (before.begun && same(before.begun.request, before.request))) return;
  toast("Another request was begun", {
    label: "Undo",
    run: () =>
      batch(() => {
        composed.value = before.request;
        operation.value = before.of;
        notice.value = before.note;
        example.value = before.begun;
      }),
  });
}

/** Whether a request holds anything that only a person can have put there. */
function typed(request: Composed, of: Operation | null): boolean {
  return (
    request.params.some(({ value }) => value !== "") ||
    Object.values(request.path_values).some((value) => value !== "") ||
    request.headers.length > 0 ||
    (request.body.trim() !== "" && request.body !== of?.body?.example)
  );
}
