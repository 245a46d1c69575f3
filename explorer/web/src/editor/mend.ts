// How a mend is named, wherever it is offered.

const LONGEST = 60;

/** The text of the button that puts `suggestion` in the place of a fault. */
export function mendLabel(suggestion: string): string {
  if (suggestion === "") return "Mend: leave it out";
  const text = suggestion.trim();
  if (text === "") return "Mend: a blank";
  return `Mend: ${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}`;
}

/** A text with one fault mended. */
export function mended(text: string, fault: { start: number; end: number; suggestion: string | null }): string {
  return text.slice(0, fault.start) + (fault.suggestion ?? "") + text.slice(fault.end);
}
