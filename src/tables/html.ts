import { escapeMarkup } from "../report/markup.js";
import type { SetCell, SetTable } from "./set-table.js";

/** Rules as booktabs has them; in a page with a style of its own, that of `.goml-table` can be changed there. */
const STYLE =
  ".goml-table{border-collapse:collapse;border-top:2px solid;border-bottom:2px solid;font-variant-numeric:tabular-nums}" +
  ".goml-table caption{padding:.4em;font-weight:bold}.goml-table :is(th,td){padding:.1em .8em;text-align:center}" +
  ".goml-table tbody th{text-align:left;font-weight:normal}.goml-table tbody{border-top:1px solid}" +
  ".goml-table tfoot{border-top:2px solid;font-size:smaller}.goml-table tfoot td{text-align:left}";

/** A table of models as a piece of HTML: a table with its style. */
export function tableHtml({ names, targets, parts, notes }: SetTable, title?: string): string {
  const head = (texts: readonly string[], scope: string) =>
    `<tr><td></td>${texts.map((text) => `<th${scope}>${escapeMarkup(text)}</th>`).join("")}</tr>`;
  const cell = ({ text, stars }: SetCell, below: string | undefined) => {
    const mark = stars === "" ? "" : `<sup>${stars}</sup>`;
    const second = below === undefined || below === "" ? "" : `<br>${escapeMarkup(below)}`;
    return `<td>${escapeMarkup(text)}${mark}${second}</td>`;
  };
  const lines = [
    `<table class="goml-table">`,
    ...(title === undefined ? [] : [`<caption>${escapeMarkup(title)}</caption>`]),
    "<thead>",
    head(names, ' scope="col"'),
    head(targets, ""),
    "</thead>",
    ...parts.flatMap((part) => [
      "<tbody>",
      ...part.map(
        ({ label, cells, beneath }) =>
          `<tr><th scope="row">${escapeMarkup(label)}</th>${cells.map((one, i) => cell(one, beneath?.[i])).join("")}</tr>`,
      ),
      "</tbody>",
    ]),
    ...(notes.length === 0
      ? []
      : [
          `<tfoot><tr><td colspan="${names.length + 1}">${notes.map(escapeMarkup).join("<br>")}</td></tr></tfoot>`,
        ]),
    "</table>",
  ];
  return `<style>${STYLE}</style>\n${lines.join("\n")}\n`;
}
