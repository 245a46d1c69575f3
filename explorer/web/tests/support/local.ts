// A real HTTP server on loopback in the place of `digirm explore`, for as long as a file's tests run.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before } from "node:test";

import type { HistoryEntry } from "../../src/types.ts";

export function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): void {
  const server = createServer(answer);
  const bare = globalThis.fetch;
  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    // The page asks its own origin; here that has to be spelled out.
    globalThis.fetch = (path, options) => bare(`http://127.0.0.1:${port}${String(path)}`, options);
  });
  after(() => {
    globalThis.fetch = bare;
    server.closeAllConnections();
    server.close();
  });
}

export const entry = (id: number, pages = 1): HistoryEntry => ({
  id,
  at: "2026-11-21T18:00:00Z",
  url: "http://127.0.0.1",
  method: "GET",
  target: "/ws/v1/devices/inventory",
  status: 200,
  milliseconds: 5,
  size: 10,
  pages,
  error: null,
});
