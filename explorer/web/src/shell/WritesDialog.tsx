// Whether requests that change something are sent.

import { useState } from "preact/hooks";

import { api, problemOf } from "../api";
import { session } from "../state";
import type { Writes } from "../types";
import { toast } from "../ui/announce";
import { Dialog } from "../ui/Dialog";

const SAYS: Record<Writes, string> = {
  free:
    "This is the simulator that the command started. " +
    "Requests that change something are sent like any other: nothing real can come to harm.",
  locked:
    "This is a real service, and only reading is allowed: " +
    "the local server refuses every method but GET and HEAD.",
  confirmed:
    "This is a real service. Each request that changes something is shown as it would be sent, " +
    "and is sent only when you confirm it.",
};

export function WritesDialog({ onClose }: { onClose: () => void }) {
  const [failed, setFailed] = useState<string | null>(null);
  const now = session.value;
  if (now === null) return null;

  async function allow(yes: boolean): Promise<void> {
    try {
      session.value = await api.allowWrites(yes);
      toast(yes ? "Writes are sent once confirmed" : "Writes are locked");
      onClose();
    } catch (error) {
      setFailed(problemOf(error).message);
    }
  }

  return (
    <Dialog
      title={`Writes: ${now.writes}`}
      onClose={onClose}
      foot={
        <>
          {now.writes === "locked" && (
            <button type="button" class="button danger" onClick={() => void allow(true)}>
              Allow writes, each confirmed
            </button>
          )}
          {now.writes === "confirmed" && (
            <button type="button" class="button" onClick={() => void allow(false)}>
              Lock writes
            </button>
          )}
          <button type="button" class="button" onClick={onClose}>
            Leave it so
          </button>
        </>
      }
    >
      <p>{SAYS[now.writes]}</p>
      <p class="quiet">
        Service: <span class="mono">{now.url}</span>
      </p>
      {failed && (
        <p class="note bad" role="alert">
          {failed}
        </p>
      )}
    </Dialog>
  );
}
