import type { SetCell, SetTable } from "./set-table.js";

/** Signs that LaTeX takes for its own, and those that its usual fonts have only in mathematics. */
const SIGNS: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  "#": "\\#",
  $: "\\$",
  "%": "\\%",
  "&": "\\&",
  _: "\\_",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "$<$",
  ">": "$>$",
  "|": "\\textbar{}",
  '"': "\\textquotedbl{}",
  "²": "\\textsuperscript{2}",
  "³": "\\textsuperscript{3}",
  "×": "$\\times$",
  "·": "$\\cdot$",
  "−": "$-$",
  "≤": "$\\le$",
  "≥": "$\\ge$",
  α: "$\\alpha$",
  β: "$\\beta$",
  λ: "$\\lambda$",
  σ: "$\\sigma$",
};

const SPECIAL = new RegExp(
  `[${Object.keys(SIGNS)
    .map((sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`)
    .join("")}]`,
  "gu",
);

/** A text as it stands in LaTeX, in one line; letters of other scripts are left to the document's fonts. */
export function escapeLatex(text: string): string {
  return text.replace(SPECIAL, (sign) => SIGNS[sign]!).replace(/[\s\p{Cc}]+/gu, " ");
}

/** A number with a minus sign in place of a hyphen. */
function number(text: string): string {
  return escapeLatex(text).replace(/(^|[[( ])-(?=\d)/g, "$1$-$");
}

/**
 * A table of models in LaTeX, with the rules of the package booktabs: a tabular, which with a title stands in a table
 * with a caption.
 */
export function tableLatex({ names, targets, parts, notes }: SetTable, title?: string): string {
  const line = (label: string, cells: readonly string[]) =>
    `${[escapeLatex(label), ...cells].join(" & ")} \\\\`;
  const cell = ({ text, stars }: SetCell) => `${number(text)}${stars === "" ? "" : `$^{${stars}}$`}`;
  const body = parts.flatMap((part) => [
    "\\midrule",
    ...part.flatMap(({ label, cells, beneath }) => [
      line(label, cells.map(cell)),
      ...(beneath === undefined ? [] : [line("", beneath.map(number))]),
    ]),
  ]);
  const width = names.length + 1;
  const tabular = [
    `\\begin{tabular}{l${"c".repeat(names.length)}}`,
    "\\toprule",
    line("", names.map(escapeLatex)),
    line("", targets.map(escapeLatex)),
    ...body,
    "\\bottomrule",
    ...notes.map((note) => `\\multicolumn{${width}}{l}{\\footnotesize ${escapeLatex(note)}} \\\\`),
    "\\end{tabular}",
  ];
  const lines =
    title === undefined
      ? tabular
      : ["\\begin{table}", "\\centering", `\\caption{${escapeLatex(title)}}`, ...tabular, "\\end{table}"];
  return `% needs \\usepackage{booktabs}\n${lines.join("\n")}\n`;
}
