// A small catalogue, as the local server gives it.

import type { Catalog, Operation } from "../../src/types.ts";

export function operation(id: string, more: Partial<Operation> = {}): Operation {
  const [method = "", path = ""] = id.split(" ");
  return {
    id,
    method,
    path,
    title: "",
    doc: "",
    client: null,
    kind: "get",
    certainty: null,
    source: "",
    path_params: [],
    params: [],
    endpoint: null,
    fields: null,
    columns: [],
    body: null,
    ...more,
  };
}

export const catalog: Catalog = {
  spec: { api_version: "1", provenance: "live", fingerprint: "0" },
  groups: [
    {
      id: "v1",
      title: "Web services v1",
      doc: "",
      categories: [
        {
          name: "devices",
          title: "Devices",
          doc: "",
          operations: [
            operation("GET /ws/v1/devices", { title: "What the category offers" }),
            operation("GET /ws/v1/devices/inventory", {
              title: "List devices",
              client: "rm.devices.inventory.list",
              doc: "Pages through every device of the account, newest first where nothing else is asked for.",
              params: [
                { name: "query", doc: "Which devices" },
                { name: "cursor", doc: "The page to go on from" },
              ],
              fields: 0,
            }),
            operation("GET /ws/v1/devices/inventory/{id}", {
              title: "One device",
              path_params: [{ name: "id", doc: "The device's identifier" }],
            }),
            operation("POST /ws/v1/devices/inventory", {
              title: "Provision devices",
              body: {
                media_type: "application/json",
                fields: [
                  { name: "install_code", type: "string", doc: "Printed on the label" },
                  { name: "last_update", type: "string", doc: "" },
                ],
                example: "{}",
              },
            }),
          ],
        },
        {
          name: "streams",
          title: "Streams",
          doc: "",
          operations: [
            operation("GET /ws/v1/streams/inventory", { title: "List streams", fields: 1 }),
            operation("DELETE /ws/v1/streams/inventory/{id}", { title: "Delete a stream" }),
          ],
        },
      ],
    },
    {
      id: "sci",
      title: "SCI",
      doc: "",
      categories: [
        {
          name: "sci",
          title: "SCI commands",
          doc: "",
          operations: [
            operation("POST /ws/sci reboot", { title: "Reboot devices" }),
            operation("POST /ws/sci query_state", { title: "Ask for the state" }),
          ],
        },
      ],
    },
  ],
  field_tables: [
    [
      {
        name: "last_update",
        type: "Timestamp",
        operators: ["<", ">"],
        orderby: true,
        values: [],
        certainty: "recorded",
      },
      { name: "last_connect", type: "Timestamp", operators: ["<"], orderby: true, values: [], certainty: null },
      { name: "last_disconnect", type: "Timestamp", operators: ["<"], orderby: true, values: [], certainty: null },
      {
        name: "connection_status",
        type: "Text",
        operators: ["="],
        orderby: false,
        values: ["connected", "disconnected"],
        certainty: "documented",
      },
    ],
    [{ name: "stream_id", type: "Text", operators: ["="], orderby: true, values: [], certainty: null }],
  ],
  unavailable: [],
};
