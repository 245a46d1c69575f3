// Light, dark, or what the system says.

import { effect, signal } from "@preact/signals";

import { keep, recall } from "../keep";

const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const known = (text: string | null): Theme => THEMES.find((one) => one === text) ?? "system";

export const theme = signal<Theme>(known(recall("theme")));

effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
  keep("theme", theme.value);
});

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
}
