// With whose rights requests are sent. What is typed here goes to the local server's memory, and nowhere else.

import { useState } from "preact/hooks";

import { api, problemOf } from "../api";
import { session } from "../state";
import type { Session } from "../types";
import { toast } from "../ui/announce";
import { Dialog } from "../ui/Dialog";
import { readGauge } from "./load";

const KINDS = { api_key: "API key", password: "User and password" } as const;
type Kind = keyof typeof KINDS;

export function CredentialsDialog({ onClose }: { onClose: () => void }) {
  const now = session.value;
  const [kind, setKind] = useState<Kind>(now?.credentials?.kind ?? "api_key");
  const [name, setName] = useState("");
  const [secret, setSecret] = useState("");
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  if (now === null) return null;

  async function change(made: () => Promise<Session>, said: string): Promise<void> {
    setBusy(true);
    setFailed(null);
    try {
      session.value = await made();
      // Another account has another allowance.
      void readGauge();
      toast(said);
      onClose();
    } catch (error) {
      setFailed(problemOf(error).message);
    } finally {
      setBusy(false);
    }
  }

  function use(event: Event): void {
    event.preventDefault();
    if (name === "" || secret === "") setFailed("Both are needed.");
    else void change(() => api.signIn(kind, name, secret), "These credentials are used from now on");
  }

  return (
    <Dialog title="Credentials" onClose={onClose}>
      {now.credentials ? (
        <p>
          In use: {KINDS[now.credentials.kind]} <strong class="mono">{now.credentials.name}</strong> (
          {now.credentials.source}).
        </p>
      ) : (
        <p>{now.embedded ? "The simulator asks for none." : "None are in use: most requests will be refused."}</p>
      )}
      <form class="stack" onSubmit={use}>
        <fieldset class="row">
          <legend class="visually-hidden">Kind</legend>
          {(Object.keys(KINDS) as Kind[]).map((one) => (
            <label class="choice" key={one}>
              <input type="radio" name="kind" checked={kind === one} onChange={() => setKind(one)} />
              {KINDS[one]}
            </label>
          ))}
        </fieldset>
        <Typed label={kind === "api_key" ? "Key id" : "User"} value={name} onInput={setName} />
        <Typed label={kind === "api_key" ? "Key secret" : "Password"} value={secret} onInput={setSecret} hidden />
        <p class="quiet small">
          Kept in the memory of the command until it ends. Never in the browser, the history or a link.
        </p>
        {failed && (
          <p class="note bad" role="alert">
            {failed}
          </p>
        )}
        <div class="row">
          <button type="submit" class="button primary" disabled={busy}>
            Use these
          </button>
          {now.credentials && (
            <button
              type="button"
              class="button"
              disabled={busy}
              onClick={() => void change(api.signOut, "No credentials are used from now on")}
            >
              Use none
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

interface TypedProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  /** Not to be read over a shoulder. */
  hidden?: boolean;
}

function Typed({ label, value, onInput, hidden = false }: TypedProps) {
  const common = {
    class: "input",
    value,
    autocomplete: "off",
    spellcheck: false,
    onInput: (event: { currentTarget: HTMLInputElement }) => onInput(event.currentTarget.value),
  };
  return (
    <label class="field">
      <span class="label">{label}</span>
      {hidden ? <input type="password" {...common} /> : <input type="text" autocapitalize="off" {...common} />}
    </label>
  );
}
