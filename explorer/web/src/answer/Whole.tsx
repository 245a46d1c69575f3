// A value of a table or a tree, shown whole.

import { copy } from "../ui/copy";
import { Dialog } from "../ui/Dialog";
import { isNested, plain, write } from "./json.ts";
import { Tree } from "./Tree";

interface WholeProps {
  title: string;
  value: unknown;
  onClose: () => void;
}

export function Whole({ title, value, onClose }: WholeProps) {
  const text = isNested(value) ? write(value, 2) : plain(value);
  const buttons = (
    <button type="button" class="button" onClick={() => void copy(text)}>
      Copy
    </button>
  );
  return (
    <Dialog title={title} onClose={onClose} wide={isNested(value)} foot={buttons}>
      {isNested(value) && <Tree value={value} name={title} label={title} />}
      {!isNested(value) && <pre class="whole">{text || "(empty)"}</pre>}
    </Dialog>
  );
}
