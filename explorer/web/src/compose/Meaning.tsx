// What a query means: in a sentence, in its canonical form, as a legacy condition, as SQL.

import { useEffect, useRef, useState } from "preact/hooks";

import { api } from "../api";
import { Latest } from "../latest";
import { copy } from "../ui/copy";
import { checked, unchecked } from "./checking";
import { rewriteQuery } from "./Faults";

export function Meaning() {
  const answer = checked.value;
  const problem = unchecked.value;
  if (!answer && !problem) return null;
  const { asked, result } = answer ?? {};
  const query = asked?.texts.query ?? "";
  return (
    <section class="stack meaning" aria-labelledby="meaning-title">
      <h2 id="meaning-title">What the query means</h2>
      {problem && <p class="note bad">{problem.message}</p>}
      {result && (
        <>
          <p>{result.explanation ?? <span class="quiet">It cannot be read yet.</span>}</p>
          {query.trim() !== "" && result.canonical !== null && (
            <dl class="meanings">
              <dt>Canonical</dt>
              <dd class="row">
                <code>{result.canonical}</code>
                {result.canonical !== query && (
                  <button type="button" class="button small" onClick={() => rewriteQuery(result.canonical!)}>
                    Use the canonical form
                  </button>
                )}
              </dd>
              <dt>Legacy</dt>
              <dd>
                {result.legacy.condition !== null ? (
                  <>
                    <code>{result.legacy.condition}</code>
                    {result.legacy.object && <span class="quiet"> for {result.legacy.object}</span>}
                  </>
                ) : (
                  <span class="quiet">{result.legacy.why}</span>
                )}
              </dd>
              <Sql endpoint={asked!.endpoint} query={query} />
            </dl>
          )}
        </>
      )}
    </section>
  );
}

const DIALECTS: readonly (readonly [string, string])[] = [
  ["", "Standard SQL"],
  ["postgres", "PostgreSQL"],
  ["sqlite", "SQLite"],
  ["mysql", "MySQL"],
  ["duckdb", "DuckDB"],
  ["tsql", "SQL Server"],
  ["oracle", "Oracle"],
  ["snowflake", "Snowflake"],
  ["bigquery", "BigQuery"],
];

interface Shown {
  sql: string | null;
  parameters: unknown[];
  why: string;
}

function Sql({ endpoint, query }: { endpoint: string | null; query: string }) {
  const [wanted, setWanted] = useState(false);
  const [dialect, setDialect] = useState("");
  const [shown, setShown] = useState<Shown | null>(null);
  const latest = useRef(new Latest());

  useEffect(() => {
    if (!wanted) return undefined;
    const failed = ({ message }: { message: string }) => setShown({ sql: null, parameters: [], why: message });
    latest.current.ask((signal) => api.sql({ endpoint, query, dialect }, signal), setShown, failed);
    return () => latest.current.stop();
  }, [wanted, endpoint, query, dialect]);

  return (
    <>
      <dt>SQL</dt>
      <dd class="stack">
        <div class="row">
          <button type="button" class="button small" aria-expanded={wanted} onClick={() => setWanted(!wanted)}>
            {wanted ? "Hide SQL" : "Show SQL"}
          </button>
          <select
            class="select small"
            aria-label="SQL dialect"
            value={dialect}
            onChange={(event) => {
              setDialect(event.currentTarget.value);
              setWanted(true);
            }}
          >
            {DIALECTS.map(([id, name]) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
          {wanted && shown?.sql && (
            <button type="button" class="button small" onClick={() => void copy(shown.sql!, "SQL copied")}>
              Copy the SQL
            </button>
          )}
        </div>
        {wanted && shown && (shown.sql === null ? <p class="quiet">{shown.why}</p> : <Statement of={shown} />)}
      </dd>
    </>
  );
}

function Statement({ of: { sql, parameters } }: { of: Shown }) {
  return (
    <>
      <pre class="sql" tabIndex={0} role="group" aria-label="The SQL">
        {sql}
      </pre>
      {parameters.length > 0 && (
        <p class="small">
          <span class="quiet">Parameters: </span>
          <code>{JSON.stringify(parameters)}</code>
        </p>
      )}
    </>
  );
}
