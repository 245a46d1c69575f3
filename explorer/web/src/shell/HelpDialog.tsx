import { session } from "../state";
import { Dialog } from "../ui/Dialog";
import { SHORTCUTS } from "./keyboard";

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const now = session.value;
  return (
    <Dialog title="Keys and facts" onClose={onClose}>
      <dl class="facts">
        {SHORTCUTS.map(([keys, what]) => (
          <>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      {now && (
        <dl class="facts">
          <dt>digirm</dt>
          <dd>{now.version}</dd>
          <dt>Spec</dt>
          <dd>
            API {now.spec.api_version}, {now.spec.provenance}
            {now.spec.provenance === "reconstructed" && ": put together from documents and answers, not captured"}
          </dd>
          <dt>History</dt>
          <dd>{now.history ?? "in memory, gone when the command ends"}</dd>
        </dl>
      )}
    </Dialog>
  );
}
