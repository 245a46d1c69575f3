// Downloads: what was fetched, made into a file in the page, and the body as the service sent it.

import { toast } from "../ui/announce";
import type { MenuItem } from "../ui/MenuButton";
import type { Answer } from "../types";
import { asCsv, asItCame, asJson, asJsonLines, fileName } from "./download.ts";
import type { Row } from "./rows.ts";

function save(name: string, href: string): void {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

function saveText(name: string, type: string, make: () => string): void {
  let text: string;
  try {
    text = make();
  } catch {
    toast("These records are nested too deeply for that: take “As it came”.");
    return;
  }
  const address = URL.createObjectURL(new Blob([text], { type }));
  save(name, address);
  // The browser reads the address after this turn.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

const ENDINGS: Record<Answer["kind"], string> = {
  json: "json",
  csv: "csv",
  xml: "xml",
  text: "txt",
  binary: "bin",
  empty: "txt",
};

/** The choices of the menu "Download": all records, or the body of the page that is shown, which is the `at`th. */
export function downloads(rows: readonly Row[] | null, page: Answer, at: number, pages: number): MenuItem[] {
  const { target, text, kind } = page;
  const none = !rows?.length;
  const list = rows ?? [];
  const whole = !page.id && text !== null && !page.shortened;
  return [
    {
      label: "JSON",
      disabled: none,
      onSelect: () => saveText(fileName(target, "json"), "application/json", () => asJson(list)),
    },
    {
      label: "JSON lines",
      disabled: none,
      onSelect: () => saveText(fileName(target, "jsonl"), "application/jsonl", () => asJsonLines(list)),
    },
    {
      label: "CSV",
      disabled: none,
      onSelect: () => saveText(fileName(target, "csv"), "text/csv", () => asCsv(list)),
    },
    {
      label: asItCame(at, pages),
      disabled: page.size === 0 || !(page.id || whole),
      onSelect: () => {
        const name = fileName(target, ENDINGS[kind]);
        if (page.id) save(name, `/api/answers/${encodeURIComponent(page.id)}`);
        else saveText(name, page.media_type, () => text ?? "");
      },
    },
  ];
}
