// A write to a real service is shown exactly as it will be sent, and waits for a yes.

import { confirming } from "../sending";
import { session } from "../state";
import { Dialog } from "../ui/Dialog";

export function ConfirmDialog() {
  const asked = confirming.value;
  if (!asked) return null;
  const cancel = () => asked.decide(false);
  const buttons = (
    <>
      <button type="button" class="button" onClick={cancel}>
        Cancel
      </button>
      <button type="button" class="button danger" onClick={() => asked.decide(true)}>
        Send it
      </button>
    </>
  );
  return (
    <Dialog title="Send this?" onClose={cancel} foot={buttons} wide>
      <p>
        This changes data at <strong class="mono">{session.value?.url}</strong>. Exactly this will be sent:
      </p>
      <pre class="preview" tabIndex={0} role="group" aria-label="What will be sent">
        {asked.preview}
      </pre>
    </Dialog>
  );
}
