import { toast } from "./announce";

/** Put a text on the clipboard, and say so; false where the browser does not let us. */
export async function copy(text: string, said = "Copied"): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    toast("The browser does not allow copying: select the text and copy it by hand");
    return false;
  }
  toast(said);
  return true;
}
