/** An XML element; attributes that are undefined are left out. */
export interface Element {
  name: string;
  attributes?: Readonly<Record<string, string | number | undefined>>;
  children?: readonly (Element | string)[];
}

/** An element of XML, indented by two spaces a level; an element whose only child is text stands on one line. */
export function renderXml({ name, attributes = {}, children = [] }: Element, indent = ""): string {
  const open = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`)
    .join("");
  if (children.length === 0) return `${indent}<${name}${open}/>`;
  const [first] = children;
  if (children.length === 1 && typeof first === "string")
    return `${indent}<${name}${open}>${escapeXml(first)}</${name}>`;
  const inner = children.map((child) =>
    typeof child === "string" ? `${indent}  ${escapeXml(child)}` : renderXml(child, `${indent}  `),
  );
  return `${indent}<${name}${open}>\n${inner.join("\n")}\n${indent}</${name}>`;
}

/**
 * White space other than a space is written as a reference: a parser turns it to spaces in attributes (XML 1.0, 3.3.3), and
 * some take what ends lines in XML 1.1, U+0085 and U+2028, for that too.
 */
function escapeXml(text: string): string {
  return text.replace(/[&<>"\t\n\r\u007f-\u009f\u2028\u2029]/g, (c) => `&#${c.charCodeAt(0)};`);
}
