// What the spec says about the operation of the request.

import { catalog, operation, session } from "../state";
import type { Operation } from "../types";
import { CertaintyBadge, Method } from "../ui/badges";
import { copy } from "../ui/copy";
import { Prose } from "../ui/Prose";
import { FieldsTable } from "./FieldsTable";

export function Documentation() {
  const of = operation.value;
  return (
    <section id="documentation" class="documentation" aria-label="Documentation" tabIndex={-1}>
      {of ? (
        <About of={of} key={of.id} />
      ) : (
        <p class="quiet">
          Documentation appears here for a path that the spec knows: pick one from the tree, or type it above.
        </p>
      )}
    </section>
  );
}

function About({ of }: { of: Operation }) {
  const fields = of.fields === null ? [] : (catalog.value?.field_tables[of.fields] ?? []);
  return (
    <>
      <div class="doc-head">
        <h2>Documentation</h2>
        <CertaintyBadge of={of.certainty} />
      </div>
      <p class="mono small doc-id">
        <Method name={of.method} /> {of.id.slice(of.method.length + 1)}
      </p>
      {of.title && <p>{of.title}</p>}
      {paragraphs(of.doc).map((text, index) => (
        <p key={index} class="doc-text">
          <Prose text={text} />
        </p>
      ))}
      <dl class="facts small">
        {of.client && (
          <>
            <dt>In Python</dt>
            <dd>
              <code>{of.client}(…)</code>{" "}
              <button
                type="button"
                class="button plain small"
                aria-label="Copy the Python name"
                onClick={() => void copy(of.client ?? "")}
              >
                Copy
              </button>
            </dd>
          </>
        )}
        <dt>Source</dt>
        <dd>{of.source || provenance()}</dd>
        {of.columns.length > 0 && (
          <>
            <dt>Columns</dt>
            <dd>
              <details>
                <summary>{of.columns.length} that “fields” may name</summary>
                <p class="mono">{of.columns.join(", ")}</p>
              </details>
            </dd>
          </>
        )}
      </dl>
      <Named title="Path values" items={of.path_params} />
      <Named title="Parameters" items={of.params} />
      {of.body && <Body body={of.body} />}
      {fields.length > 0 && <FieldsTable fields={fields} />}
    </>
  );
}

function provenance(): string {
  const spec = session.value?.spec;
  return spec ? `the spec of API ${spec.api_version} (${spec.provenance})` : "the spec";
}

function Named({ title, items }: { title: string; items: readonly { name: string; doc: string }[] }) {
  if (items.length === 0) return null;
  const told = items.filter(({ doc }) => doc !== "");
  const bare = items.filter(({ doc }) => doc === "");
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {told.length > 0 && (
        <dl class="facts small">
          {told.map(({ name, doc }) => (
            <>
              <dt class="mono">{name}</dt>
              <dd>
                <Prose text={doc} />
              </dd>
            </>
          ))}
        </dl>
      )}
      {bare.length > 0 && (
        <p class="small">
          {told.length > 0 && <span class="quiet">Also: </span>}
          <span class="mono">{bare.map(({ name }) => name).join(", ")}</span>
        </p>
      )}
    </section>
  );
}

function Body({ body }: { body: NonNullable<Operation["body"]> }) {
  return (
    <section aria-label="Body fields">
      <h3>
        Body <span class="quiet mono">{body.media_type}</span>
      </h3>
      {body.fields.length > 0 ? (
        <div class="scroller" tabIndex={0} role="region" aria-label="Table of the body fields">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Type</th>
                <th scope="col">What it is</th>
              </tr>
            </thead>
            <tbody>
              {body.fields.map(({ name, type, doc }) => (
                <tr key={name}>
                  <td class="mono">{name}</td>
                  <td class="mono quiet">{type}</td>
                  <td>
                    <Prose text={doc} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p class="quiet small">The spec does not say what it holds.</p>
      )}
    </section>
  );
}

const paragraphs = (text: string) => text.split(/\n\s*\n/).filter((one) => one.trim() !== "");
