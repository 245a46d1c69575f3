// What the local server says and takes. Names on the wire are those of its JSON.

/** A request as it is composed. `path` may hold placeholders such as `{id}`, which `path_values` fill. */
export interface Composed {
  method: string;
  path: string;
  path_values: Record<string, string>;
  /** Query parameters in order; those that are off are kept, and not sent. */
  params: Param[];
  headers: Header[];
  /** The body's text; empty: none. */
  body: string;
  /** The body's media type; empty: what the path suggests. */
  content_type: string;
}

export interface Param {
  name: string;
  value: string;
  on: boolean;
}

export interface Header {
  name: string;
  value: string;
}

/** `free`: the embedded simulator. `locked`: a real host, read only. `confirmed`: each write is confirmed. */
export type Writes = "free" | "locked" | "confirmed";

export interface Session {
  version: string;
  /** The service, without credentials. */
  url: string;
  /** Whether it is the simulator that the command started. */
  embedded: boolean;
  spec: { api_version: string; provenance: string; fingerprint: string };
  credentials: { kind: "api_key" | "password"; name: string; source: string } | null;
  writes: Writes;
  /** Where the history is kept; null: in memory. */
  history: string | null;
  gauge: Gauge | null;
}

/** What is left of the account's allowance. Times in seconds. */
export interface Gauge {
  windows: { seconds: number; limit: number; left: number; free_in: number }[];
  concurrent: { limit: number; left: number };
  /** The service said to wait for so long; 0: it did not. */
  paused: number;
}

export type Certainty = "recorded" | "documented" | "inferred";

export interface Field {
  name: string;
  type: string;
  operators: string[];
  orderby: boolean;
  values: string[];
  certainty: Certainty | null;
  /** A sentence on it, or empty. */
  doc?: string;
}

export interface Operation {
  /** Method and path template: `GET /ws/v1/devices/inventory`. SCI's end with the command: `POST /ws/sci reboot`. */
  id: string;
  method: string;
  path: string;
  title: string;
  doc: string;
  /** How a client calls it: `rm.devices.inventory.list`; null: by `rm.request`. */
  client: string | null;
  kind: string;
  certainty: Certainty | null;
  source: string;
  path_params: { name: string; doc: string }[];
  params: { name: string; doc: string }[];
  /** What the query language calls it; null: it takes no query. */
  endpoint: string | null;
  /** Number of its table in `Catalog.field_tables`. */
  fields: number | null;
  /** Columns that `fields` may name. */
  columns: string[];
  body: { media_type: string; fields: { name: string; type: string; doc: string }[]; example: string } | null;
}

export interface Category {
  name: string;
  title: string;
  doc: string;
  operations: Operation[];
}

export interface Catalog {
  spec: Session["spec"];
  groups: { id: "v1" | "legacy" | "sci"; title: string; doc: string; categories: Category[] }[];
  field_tables: Field[][];
  /** Categories that the spec could not capture, and why. */
  unavailable: { name: string; why: string }[];
}

export interface Example {
  id: string;
  title: string;
  doc: string;
  /** Title of the group in which it is shown. */
  group: string;
  /** `Operation.id`. */
  operation: string;
  request: Composed;
  writes: boolean;
  /** Examples, by their ids, that make what this one is about: they are sent before it, in order. */
  first: string[];
}

/** Offsets count UTF-16 units, as the page's strings do. */
export interface Diagnostic {
  code: string;
  severity: "error" | "warning";
  message: string;
  start: number;
  end: number;
  suggestion: string | null;
  parameter: "query" | "orderby" | "fields" | "size" | "endpoint";
}

export interface Checked {
  ok: boolean;
  diagnostics: Diagnostic[];
  /** The canonical spelling; null where the query cannot be read. */
  canonical: string | null;
  /** The query in a sentence; null where it cannot be read. */
  explanation: string | null;
  /** The legacy condition where there is one, else why there is none. */
  legacy: { object: string | null; condition: string | null; why: string };
  /** The query with every certain mend; null where there is nothing to mend, or not all can be. */
  fixed: string | null;
  /** Which spec judged. */
  spec: string;
}

export interface Completion {
  text: string;
  kind: "field" | "operator" | "value" | "form" | "connective" | "bracket" | "direction";
  start: number;
  end: number;
  detail: string;
}

/** What the spec says of a request before it is sent. */
export interface Judged {
  operation: string | null;
  errors: string[];
  warnings: string[];
  /** The address that would be asked; null where the request cannot be sent as it is. */
  address: string | null;
}

export type Kind = "json" | "csv" | "xml" | "text" | "binary" | "empty";

export interface Answer {
  /** For `/api/answers/<id>`, which gives the body as it came. */
  id: string;
  /** Its number in the history. */
  history: number | null;
  /** Method and target, as sent. */
  method: string;
  target: string;
  status: number;
  reason: string;
  milliseconds: number;
  /** Bytes of the body, unpacked. */
  size: number;
  headers: [string, string][];
  media_type: string;
  kind: Kind;
  /** What is wrong with the body: that it is not what its type says, that it is long. */
  says: string | null;
  /** The body, or its beginning; null: binary. */
  text: string | null;
  /** Whether `text` is only the beginning. */
  shortened: boolean;
  /** Records of a list in XML. JSON's are `JSON.parse(text)[items]`, those of CSV all that `text` has. */
  rows: Record<string, unknown>[] | null;
  /** The key of the list in a JSON answer. */
  items: string | null;
  /** Records on this page. */
  count: number | null;
  /** The request of the next page; null: this is the last. */
  next: Composed | null;
  /** What holds now, as another tab may have changed it; null: the answer is one of the history. */
  writes: Writes | null;
  gauge: Gauge | null;
}

export type ProblemKind =
  | "session" // the explorer was restarted, or this browser has not opened its link
  | "unreachable" // the local server is gone
  | "transport" // the service did not answer
  | "credentials"
  | "locked"
  | "confirm"
  | "invalid"
  | "aborted"
  | "internal";

/** Why there is no answer. `preview` and `digest` belong to `confirm`: what would be sent, and what confirms it. */
export interface Problem {
  kind: ProblemKind;
  message: string;
  preview?: string;
  digest?: string;
}

export type ExportForm = "curl" | "httpie" | "python" | "httpx" | "http";

export interface HistoryEntry {
  id: number;
  /** ISO 8601, UTC. */
  at: string;
  url: string;
  method: string;
  target: string;
  /** null: no answer came. */
  status: number | null;
  milliseconds: number;
  size: number;
  /** Pages that were fetched by this call and those that went on from it. */
  pages: number;
  /** Why no answer came. */
  error: string | null;
}

export interface HistoryDetail extends HistoryEntry {
  request: Composed;
  /** Whether something secret was left out of the request (`***` stands for it), or of the answer. */
  masked_request: boolean;
  masked_answer: boolean;
  headers: [string, string][];
  media_type: string;
  kind: Kind;
  text: string | null;
  shortened: boolean;
}
