// What went wrong, said in place, with the button that helps. What was typed stays where it is.

import { useState } from "preact/hooks";

import { send } from "../sending";
import { CredentialsDialog } from "../shell/CredentialsDialog";
import { WritesDialog } from "../shell/WritesDialog";
import type { Hint } from "./hints.ts";

interface FailureProps {
  hint: Hint;
  tone: "bad" | "warn" | "plain";
  /** Said at once by screen readers. */
  alert: boolean;
  /** Instead of sending the whole again. */
  again?: () => void;
}

export function Failure({ hint, tone, alert, again }: FailureProps) {
  const [open, setOpen] = useState<Hint["way"]>(null);
  const close = () => setOpen(null);
  return (
    <div class={`note ${tone} failure`} role={alert ? "alert" : undefined}>
      <div>
        <strong>{hint.title}</strong>
        {hint.text && <p>{hint.text}</p>}
      </div>
      {hint.way === "again" && (
        <button type="button" class="button small" onClick={() => (again ?? (() => void send()))()}>
          Try again
        </button>
      )}
      {hint.way === "credentials" && (
        <button type="button" class="button small" onClick={() => setOpen("credentials")}>
          Credentials
        </button>
      )}
      {hint.way === "writes" && (
        <button type="button" class="button small" onClick={() => setOpen("writes")}>
          Allow writes…
        </button>
      )}
      {open === "credentials" && <CredentialsDialog onClose={close} />}
      {open === "writes" && <WritesDialog onClose={close} />}
    </div>
  );
}
