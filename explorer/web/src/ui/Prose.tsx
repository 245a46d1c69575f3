/** A text of the spec: `words between backticks` are code, and nothing else has a meaning. */
export function Prose({ text }: { text: string }) {
  const parts = text.split(/(`[^`]+`)/);
  return <>{parts.map((part, index) => (index % 2 === 1 ? <code key={index}>{part.slice(1, -1)}</code> : part))}</>;
}
