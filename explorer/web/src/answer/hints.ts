// What may help when a call did not go well.

import type { Answer, Composed, Problem } from "../types";

export interface Hint {
  title: string;
  text: string;
  /** The button that helps. */
  way: "again" | "credentials" | "writes" | null;
}

/** Why there is no answer. */
export function problemHint(problem: Problem, request: Pick<Composed, "method">): Hint {
  const { message } = problem;
  const reads = /^(get|head)$/i.test(request.method);
  switch (problem.kind) {
    case "session":
      return { title: "This page has lost its session", text: message, way: null };
    case "unreachable":
      return { title: "No answer", text: message, way: "again" };
    case "transport":
      return { title: "The service did not answer", text: message, way: "again" };
    case "credentials":
      return { title: "Credentials are missing", text: message, way: "credentials" };
    case "locked":
      return { title: "Writes are locked", text: message, way: "writes" };
    case "confirm":
      return { title: "This has to be confirmed", text: message, way: "again" };
    case "invalid":
      return { title: "This cannot be sent", text: message, way: null };
    case "aborted":
      return {
        title: "Stopped",
        text: reads ? "" : "The service may have got the request already: look before you send it again.",
        way: null,
      };
    case "internal":
      return { title: "Something went wrong in digirm explore", text: message, way: "again" };
  }
}

type Judged = Pick<Answer, "status" | "headers" | "media_type">;

/** What to say of an answer that is no success; null: nothing. */
export function statusHint({ status, headers, media_type }: Judged): Hint | null {
  if (status === 401) {
    return { title: "Not signed in", text: "The service does not accept these credentials.", way: "credentials" };
  }
  if (status === 403) {
    return { title: "Not allowed", text: "This account may not do that.", way: "credentials" };
  }
  if (status === 429 || status === 503) {
    const wait = headers.find(([name]) => name.toLowerCase() === "retry-after")?.[1];
    const why = status === 429 ? "Too many requests" : "The service is busy";
    return { title: "Later", text: wait ? `${why}: it asks to wait ${waiting(wait)}.` : `${why}.`, way: "again" };
  }
  if (status >= 500) {
    const html = media_type.includes("html") ? " It answered with a page of HTML, shown as text and never run." : "";
    return { title: "A fault of the service", text: `The service could not do it now.${html}`, way: "again" };
  }
  return null;
}

const waiting = (after: string): string => (/^\d+$/.test(after) ? `${after} s` : `until ${after}`);
