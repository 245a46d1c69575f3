// The local server, and what goes wrong with it: every call either gives its result or throws a Trouble.

import type {
  Answer,
  Catalog,
  Checked,
  Completion,
  Composed,
  Example,
  ExportForm,
  Gauge,
  HistoryDetail,
  HistoryEntry,
  Judged,
  Problem,
  Session,
} from "./types";

export class Trouble extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** What went wrong, whatever was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Trouble) return error.problem;
  return { kind: "internal", message: error instanceof Error ? error.message : String(error) };
}

let heard: (problem: Problem | null) => void = () => undefined;

/** Have a function told how every call fared: null where the local server answered as it should. */
export function listen(listener: (problem: Problem | null) => void): void {
  heard = listener;
}

interface Asked {
  method?: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

async function call<T>(path: string, asked: Asked = {}): Promise<T> {
  try {
    const result = await fetched<T>(path, asked);
    heard(null);
    return result;
  } catch (error) {
    if (error instanceof Trouble) heard(error.problem);
    throw error;
  }
}

async function fetched<T>(path: string, { method, body, signal }: Asked): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
    const text = await response.text();
    if (response.ok) return (text ? JSON.parse(text) : null) as T;
    throw new Trouble(problem(response.status, text));
  } catch (error) {
    if (error instanceof Trouble) throw error;
    if (error instanceof DOMException && error.name === "AbortError") {
      throw new Trouble({ kind: "aborted", message: "stopped" });
    }
    throw new Trouble({
      kind: "unreachable",
      message: "digirm explore does not answer: is it still running? What you typed stays here.",
    });
  }
}

function problem(status: number, text: string): Problem {
  try {
    const found = (JSON.parse(text) as { error?: Problem }).error;
    if (found?.kind) return found;
  } catch {
    // Not the server's own words: told by its status alone.
  }
  return { kind: "internal", message: `digirm explore answered with ${status}` };
}

export const api = {
  session: () => call<Session>("/api/session"),
  catalog: () => call<Catalog>("/api/catalog"),
  examples: () => call<Example[]>("/api/examples"),
  gauge: () => call<Gauge | null>("/api/gauge"),

  /** Credentials stay in the server's memory. */
  signIn: (kind: "api_key" | "password", name: string, secret: string) =>
    call<Session>("/api/credentials", { body: { kind, name, secret } }),
  signOut: () => call<Session>("/api/credentials", { method: "DELETE" }),
  allowWrites: (allow: boolean) => call<Session>("/api/writes", { body: { allow } }),

  judge: (request: Composed, signal?: AbortSignal) => call<Judged>("/api/judge", { body: { request }, signal }),
  check: (
    asked: { endpoint: string | null; query?: string; orderby?: string; fields?: string; size?: string },
    signal?: AbortSignal,
  ) => call<Checked>("/api/query/check", { body: asked, signal }),
  complete: (
    asked: { endpoint: string | null; parameter: "query" | "orderby" | "fields"; text: string; cursor: number },
    signal?: AbortSignal,
  ) => call<Completion[]>("/api/query/complete", { body: asked, signal }),
  sql: (asked: { endpoint: string | null; query: string; dialect: string }, signal?: AbortSignal) =>
    call<{ sql: string | null; parameters: unknown[]; why: string }>("/api/query/sql", { body: asked, signal }),

  /** `follows` is the history number of the call of which this is a further page. */
  send: (request: Composed, more: { confirm?: string; follows?: number | null } = {}, signal?: AbortSignal) =>
    call<Answer>("/api/send", { body: { request, ...more }, signal }),
  export: (request: Composed, form: ExportForm, every: boolean, signal?: AbortSignal) =>
    call<{ text: string | null; why: string }>("/api/export", { body: { request, form, every }, signal }),
  /** The request without what is secret in it. */
  link: (request: Composed) => call<{ request: Composed; masked: boolean }>("/api/link", { body: { request } }),

  history: (search: string, before?: number, signal?: AbortSignal) =>
    call<HistoryEntry[]>(
      `/api/history?search=${encodeURIComponent(search)}${before === undefined ? "" : `&before=${before}`}`,
      { signal },
    ),
  remembered: (id: number, signal?: AbortSignal) => call<HistoryDetail>(`/api/history/${id}`, { signal }),
  forget: (id: number) => call<null>(`/api/history/${id}`, { method: "DELETE" }),
  forgetAll: () => call<null>("/api/history", { method: "DELETE" }),
};
