// The views of an answer. Their code is fetched with the first answer.

import { lazy } from "../ui/lazy";
import { Headers } from "./Headers";
import { Picture } from "./Picture";
import { chosenView, page } from "./result";
import { jsonOf } from "./rows.ts";
import { Table } from "./Table";
import type { TextProps } from "./TextView";
import { Tree } from "./Tree";

const TextView = lazy<TextProps>(() => import("./TextView").then((found) => found.TextView));

export function Shown() {
  const shown = page.value;
  if (!shown) return null;
  switch (chosenView.value) {
    case "table":
      return <Table />;
    case "tree":
      return <Tree value={jsonOf(shown)} name="body" label="Body of the answer" />;
    case "text":
      return <TextView text={shown.text ?? ""} kind={shown.kind} cut={shown.shortened} />;
    case "picture":
      return <Picture />;
    case "headers":
      return <Headers answer={shown} />;
  }
}
