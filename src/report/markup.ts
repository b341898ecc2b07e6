/** A text as it stands in HTML, in XML and in quoted attributes of both; control characters are left out. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
    .replace(
      /[\p{Cc}\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/gu,
      (c) => (c === "\n" || c === "\t" ? c : "\uFFFD"),
    );
}
