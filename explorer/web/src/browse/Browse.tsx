// The pane at the left: the API's tree, examples, and what was called before.

import "./browse.css";

import { useRef } from "preact/hooks";

import { type Aside, aside } from "../state";
import { lazy } from "../ui/lazy";
import { TabPanel, Tabs } from "../ui/Tabs";
import { ApiTree } from "./ApiTree";
import { Examples } from "./Examples";

const HistoryPane = lazy<object>(() => import("../history/HistoryPane").then((found) => found.HistoryPane));

const TABS: readonly { id: Aside; title: string }[] = [
  { id: "browse", title: "Browse" },
  { id: "examples", title: "Examples" },
  { id: "history", title: "History" },
];

export function Browse() {
  const looked = useRef(false);
  const chosen = aside.value;
  looked.current ||= chosen === "history";
  return (
    <nav class="browse" aria-label="API">
      <Tabs
        name="aside"
        label="Browse or look back"
        tabs={TABS}
        chosen={chosen}
        onChoose={(id) => (aside.value = id)}
      />
      <TabPanel name="aside" tab="browse" class="aside-panel" hidden={chosen !== "browse"}>
        <ApiTree />
      </TabPanel>
      <TabPanel name="aside" tab="examples" class="aside-panel" hidden={chosen !== "examples"}>
        <Examples />
      </TabPanel>
      <TabPanel name="aside" tab="history" class="aside-panel scrolls" hidden={chosen !== "history"}>
        {looked.current && <HistoryPane />}
      </TabPanel>
    </nav>
  );
}
