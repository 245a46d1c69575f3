// The headers of an answer.

import type { Answer } from "../types";

export function Headers({ answer }: { answer: Answer }) {
  return (
    <div class="scroller answer-padded" tabIndex={0} role="region" aria-label="Headers of the answer">
      <p class="mono asked">
        {answer.method} {answer.target}
      </p>
      <table class="table">
        <caption class="visually-hidden">Headers of the answer</caption>
        <thead>
          <tr>
            <th scope="col">Header</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {answer.headers.map(([name, value], at) => (
            <tr key={at}>
              <th scope="row" class="mono">
                {name}
              </th>
              <td class="mono">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
