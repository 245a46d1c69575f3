// What this page talks to, and how freely.

import { useState } from "preact/hooks";

import { session } from "../state";
import { lazy } from "../ui/lazy";
import { Gauge } from "./Gauge";
import { nextTheme, type Theme, theme } from "./theme";

interface DialogProps {
  onClose: () => void;
}

const Credentials = lazy<DialogProps>(() => import("./CredentialsDialog").then((it) => it.CredentialsDialog));
const Writes = lazy<DialogProps>(() => import("./WritesDialog").then((it) => it.WritesDialog));
const Help = lazy<DialogProps>(() => import("./HelpDialog").then((it) => it.HelpDialog));

const SIGNS: Record<Theme, string> = { system: "◐", light: "☀", dark: "☾" };

type Open = "writes" | "credentials" | "help" | null;

export function Header() {
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const now = session.value;
  return (
    <header class="header">
      <h1>
        digirm <span>explorer</span>
      </h1>
      {now && (
        <p class="service">
          <span class="mono" title={now.url}>
            {now.url.replace(/^https?:\/\//, "")}
          </span>
          {now.embedded ? <span class="badge ok">simulator</span> : <span class="badge warn">real service</span>}
        </p>
      )}
      <div class="header-buttons">
        <Gauge />
        {now && (
          <>
            <button type="button" class="button small" onClick={() => setOpen("writes")}>
              Writes: <strong class={`writes-${now.writes}`}>{now.writes}</strong>
            </button>
            <button type="button" class="button small" onClick={() => setOpen("credentials")}>
              Credentials
            </button>
          </>
        )}
        <button type="button" class="button small" aria-label={`Theme: ${theme.value}`} onClick={nextTheme}>
          <span class="short" aria-hidden="true">
            {SIGNS[theme.value]}
          </span>
          <span class="long">Theme: {theme.value}</span>
        </button>
        <button type="button" class="button small" aria-label="Help" onClick={() => setOpen("help")}>
          ?
        </button>
      </div>
      {open === "writes" && <Writes onClose={close} />}
      {open === "credentials" && <Credentials onClose={close} />}
      {open === "help" && <Help onClose={close} />}
    </header>
  );
}
