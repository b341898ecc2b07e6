import type { Figure, FigureTable } from "./figure.js";
import { escapeMarkup } from "./markup.js";
import { pageStyle } from "./style.js";
import { panelSvg } from "./svg.js";
import type { Remark } from "./warnings.js";

/** A part of a page, with a heading. */
export interface Section {
  /** Its anchor. */
  id: string;
  title: string;
  /** Sentences above what it holds. */
  text?: readonly string[];
  figures?: readonly Figure[];
  tables?: readonly (FigureTable & { caption: string })[];
}

/** A page in words and numbers. */
export interface Page {
  title: string;
  subtitle: string;
  tiles: readonly (readonly [name: string, value: string])[];
  remarks: readonly Remark[];
  sections: readonly Section[];
  /** How it was made: names and values. */
  made: readonly (readonly [name: string, value: string])[];
}

/** What a page may not load: anything; its styles are its own. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/**
 * The page as one HTML file: no script, nothing from elsewhere, figures as SVG in it, and the numbers behind each in a table
 * that opens. The same bytes for the same page.
 */
export function pageHtml(page: Page): string {
  const { title, subtitle, tiles, remarks, sections, made } = page;
  const anchors = [...sections.map(({ id, title: name }) => [id, name]), ["made", "How it was made"]];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeMarkup(title)}</title>
<style>
${pageStyle()}
</style>
</head>
<body>
<a class="skip" href="#main">To the report</a>
<header>
<h1>${escapeMarkup(title)}</h1>
<p class="soft">${escapeMarkup(subtitle)}</p>
<nav aria-label="Sections"><ul>${anchors.map(([id, name]) => `<li><a href="#${id}">${escapeMarkup(name!)}</a></li>`).join("")}</ul></nav>
</header>
<main id="main">
<dl class="tiles">${tiles.map(([name, value]) => `<div class="tile"><dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd></div>`).join("")}</dl>
${remarks.length === 0 ? "" : `<section aria-label="Remarks"><ul class="warnings">${remarks.map(remarkHtml).join("")}</ul></section>\n`}${sections.map(sectionHtml).join("\n")}
</main>
<footer>
<h2 id="made">How it was made</h2>
<dl class="made">${made.map(([name, value]) => `<dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd>`).join("")}</dl>
</footer>
</body>
</html>
`;
}

function remarkHtml({ text, command }: Remark): string {
  return `<li class="warn">${escapeMarkup(text)}${command === undefined ? "" : ` <code>${escapeMarkup(command)}</code>`}</li>`;
}

function sectionHtml({ id, title, text = [], figures = [], tables = [] }: Section): string {
  const drawn = figures.map((figure, i) => figureHtml(figure, `${id}-${i}`)).join("\n");
  return `<section aria-labelledby="${id}">
<h2 id="${id}">${escapeMarkup(title)}</h2>
${text.map((line) => `<p>${escapeMarkup(line)}</p>`).join("\n")}
${tables.map((table, i) => tableHtml(table, `${id}-t${i}`, table.caption)).join("\n")}
${figures.length === 0 ? "" : `<div class="figures">\n${drawn}\n</div>`}
</section>`;
}

function figureHtml(figure: Figure, id: string): string {
  const { title, caption, description, panels, table } = figure;
  const labelOf = (name: string | undefined) =>
    `${title}${name === undefined ? "" : `, ${name}`}. ${panels.length === 1 ? description : ""}`.trim();
  const drawn = panels.map((panel, i) => panelSvg(panel, { id: `${id}-${i}`, label: labelOf(panel.title) }));
  return (
    `<figure class="card${panels.length > 1 ? " wide" : ""}" aria-labelledby="${id}">` +
    `<h3 id="${id}">${escapeMarkup(title)}</h3>` +
    `${panels.length > 1 ? `<div class="panels">${drawn.join("")}</div>` : drawn.join("")}` +
    `<figcaption>${escapeMarkup(caption)} ${escapeMarkup(description)}</figcaption>` +
    (table === undefined || table.rows.length === 0
      ? ""
      : `<details><summary>Numbers: ${escapeMarkup(title)}</summary>${tableHtml(table, `${id}-t`, title)}</details>`) +
    "</figure>"
  );
}

/** A table that scrolls by itself where the page is narrow, by keyboard too. */
function tableHtml({ head, rows }: FigureTable, id: string, caption: string): string {
  return (
    `<div class="scroll" role="region" aria-labelledby="${id}" tabindex="0"><table><caption id="${id}">${escapeMarkup(caption)}</caption>` +
    `<thead><tr>${head.map((name) => (name === "" ? "<td></td>" : `<th scope="col">${escapeMarkup(name)}</th>`)).join("")}</tr></thead>` +
    `<tbody>${rows
      .map(
        (row) =>
          `<tr>${row.map((cell, i) => (i === 0 ? `<th scope="row">${escapeMarkup(cell)}</th>` : `<td>${escapeMarkup(cell)}</td>`)).join("")}</tr>`,
      )
      .join("")}</tbody></table></div>`
  );
}
