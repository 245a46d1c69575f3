// What of a verdict is still to be said.

const REPORT = /\njudged by [^\n]*$/;

/**
 * The texts to show. Among them may be a report as `digirm check` prints it: it is left out where the query's faults
 * are listed anyway, and else shown without the text and carets that belong to a terminal.
 */
export function told(texts: readonly string[], listed: boolean): string[] {
  const rest = listed ? texts.filter((text) => !REPORT.test(text)) : texts;
  return rest.map((text) => (REPORT.test(text) ? faults(text) : text));
}

function faults(report: string): string {
  const lines = report.split("\n").filter((line) => /^(?:error|warning) /.test(line));
  return lines.join("; ") || report;
}
