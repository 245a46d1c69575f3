// What is left of the account's allowance.

import { useEffect, useState } from "preact/hooks";

import { session } from "../state";
import { Dialog } from "../ui/Dialog";
import { everything, inShort, refreshIn, tightest } from "./allowance";
import { readGauge } from "./load";

export function Gauge() {
  const [open, setOpen] = useState(false);
  const gauge = session.value?.gauge ?? null;

  // A window that was drawn on fills again by itself.
  useEffect(() => {
    const seconds = gauge && refreshIn(gauge);
    if (seconds === null) return undefined;
    const timer = setTimeout(() => document.hidden || void readGauge(), seconds * 1000);
    return () => clearTimeout(timer);
  }, [gauge]);

  if (gauge === null) return null;
  const least = tightest(gauge);
  if (least === null) return null;
  const part = least.left / least.limit;
  const level = gauge.paused > 0 || part < 0.1 ? "bad" : part < 0.34 ? "warn" : "ok";
  const text = inShort(gauge, least);
  return (
    <div class="gauge">
      <div
        class={`meter ${level}`}
        role="meter"
        aria-label="Requests left"
        aria-valuenow={least.left}
        aria-valuemin={0}
        aria-valuemax={least.limit}
        aria-valuetext={text}
      >
        <div style={{ width: `${Math.round(part * 100)}%` }} />
      </div>
      <button
        type="button"
        class="button plain small"
        title="What is left of the account's allowance"
        onClick={() => {
          setOpen(true);
          void readGauge();
        }}
      >
        {text}
      </button>
      {open && (
        <Dialog title="Requests left" onClose={() => setOpen(false)}>
          <p>
            digirm waits before it asks for more than an account is allowed, so that the service does not have to
            refuse.
          </p>
          <ul class="stack">
            {everything(gauge).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
          <div class="row">
            <button type="button" class="button" onClick={() => void readGauge()}>
              Look again
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
