/** Up to so many names stand in a sentence, of each so many characters: who makes a file may name what he likes. */
const [MOST, LONGEST] = [20, 100];

/** Names for a sentence: of very many the first ones, and how many more there are. */
export function namesInWords(names: readonly string[]): string {
  const shown = names
    .slice(0, MOST)
    .map((name) => (name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name))
    .join(", ");
  return names.length > MOST ? `${shown} and ${names.length - MOST} more` : shown;
}
