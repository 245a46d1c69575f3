// Tabs after the ARIA pattern: one tab stop, arrows choose, Home and End go to the ends.

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

export interface Tab<Id extends string> {
  id: Id;
  title: string;
  /** Shown after the title, such as a count; not part of the tab's name. */
  mark?: string | undefined;
}

interface TabsProps<Id extends string> {
  /** Unique in the page; ties the tabs to their `TabPanel`. */
  name: string;
  /** The accessible name of the list. */
  label: string;
  tabs: readonly Tab<Id>[];
  chosen: Id;
  onChoose: (id: Id) => void;
}

export function Tabs<Id extends string>({ name, label, tabs, chosen, onChoose }: TabsProps<Id>) {
  const list = useRef<HTMLDivElement>(null);
  const at = tabs.findIndex(({ id }) => id === chosen);

  function move(event: KeyboardEvent): void {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const index = (to + tabs.length) % tabs.length;
    const tab = tabs[index];
    if (!tab) return;
    onChoose(tab.id);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[index]?.focus();
  }

  return (
    <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
      {tabs.map(({ id, title, mark }, index) => (
        <button
          key={id}
          type="button"
          role="tab"
          class="tab"
          id={tabId(name, id)}
          aria-selected={id === chosen}
          aria-controls={id === chosen ? panelId(name, id) : undefined}
          tabIndex={id === chosen || (at < 0 && index === 0) ? 0 : -1}
          onClick={() => onChoose(id)}
        >
          {title}
          {mark !== undefined && (
            <span class="mark" aria-hidden="true">
              {mark}
            </span>
          )}
        </button>
      ))}
    </div>
  );
}

interface PanelProps {
  /** The `name` of the tabs. */
  name: string;
  /** The tab that shows it. */
  tab: string;
  class?: string;
  /** Kept in the page, and not shown. */
  hidden?: boolean;
  children?: ComponentChildren;
}

/** What a chosen tab shows. Give it the id of the chosen tab, or one panel per tab with `hidden`. */
export function TabPanel({ name, tab, hidden = false, children, ...rest }: PanelProps) {
  return (
    <div
      role="tabpanel"
      id={panelId(name, tab)}
      aria-labelledby={tabId(name, tab)}
      class={rest.class ?? ""}
      hidden={hidden}
    >
      {children}
    </div>
  );
}

const tabId = (name: string, id: string) => `${name}-${id}-tab`;
const panelId = (name: string, id: string) => `${name}-${id}-panel`;
