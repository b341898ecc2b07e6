/** The colours of a theme; text on ground has a contrast of 4.5 and more (WCAG AA), marks of 3 and more. */
const LIGHT = {
  ground: "#fff",
  text: "#24292f",
  soft: "#57606a",
  grid: "#e4e8ec",
  data: "#0b62c4",
  smooth: "#c4320a",
  guide: "#6e7781",
  other: "#8a2be2",
  band: "#dbe3ec",
  card: "#f6f8fa",
  warn: "#fff4d6",
};
const DARK: typeof LIGHT = {
  ground: "#0f1419",
  text: "#e6edf3",
  soft: "#a9b4c0",
  grid: "#262d36",
  data: "#6cb0ff",
  smooth: "#ff9166",
  guide: "#8b96a3",
  other: "#cf9bff",
  band: "#28323e",
  card: "#171d24",
  warn: "#3a2f12",
};

/** The rules of plots, by colours. */
function plotRules(c: typeof LIGHT): string {
  return [
    `.plot text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;fill:${c.soft}}`,
    `.plot .label,.plot .name,.plot .head,.plot .mark{fill:${c.text}}`,
    ".plot .name{font-weight:600}",
    `.plot .mark{font-size:11px;paint-order:stroke;stroke:${c.ground};stroke-width:3px;stroke-linejoin:round}`,
    ".plot .head{font-size:16px;font-weight:600}",
    `.plot .ground{fill:${c.ground}}`,
    `.plot path{fill:none}.plot .grid{stroke:${c.grid}}`,
    `.plot .rule{stroke:${c.guide}}.plot .dashed{stroke-dasharray:5 4}`,
    ".plot .dots,.plot .large{stroke-linecap:round;stroke-width:8}.plot .dots{stroke-opacity:.55}.plot .large{stroke-width:13}",
    ".plot .stroke{stroke-width:2}.plot .bar{stroke-width:12}",
    ...(["data", "smooth", "guide", "other"] as const).map((tone) => `.plot .${tone}{stroke:${c[tone]}}`),
    `.plot .band{fill:${c.band}}.plot .cell{fill:${c.data}}`,
    ...[0.22, 0.38, 0.55, 0.75, 1].map((opacity, i) => `.plot .c${i + 1}{fill-opacity:${opacity}}`),
    `.plot .plus{fill:${c.data}}.plot .minus{fill:${c.smooth}}.plot .none{fill:${c.grid}}`,
    ...[0.08, 0.16, 0.24, 0.34, 0.45].map((opacity, i) => `.plot .s${i + 1}{fill-opacity:${opacity}}`),
    `.plot .cell-text{font-size:10px;fill:${c.text}}`,
  ].join("");
}

/** The style of an SVG file of its own; with `dark`, by the reader's colour scheme. */
export function standaloneStyle(dark: boolean): string {
  return dark ? `${plotRules(LIGHT)}@media(prefers-color-scheme:dark){${plotRules(DARK)}}` : plotRules(LIGHT);
}

function pageRules(c: typeof LIGHT): string {
  return (
    `body{background:${c.ground};color:${c.text}}.soft,figcaption,dt,summary{color:${c.soft}}` +
    `th,td{border-color:${c.grid}}.card,.tile{background:${c.card}}.warn{background:${c.warn}}` +
    `a{color:${c.data}}code{background:${c.card}}:focus-visible{outline:3px solid ${c.data};outline-offset:2px}`
  );
}

const LAYOUT = [
  "*{box-sizing:border-box}",
  'body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}',
  "header,main,footer{max-width:1280px;margin:0 auto;padding:0 16px}",
  "h1{font-size:1.6rem;line-height:1.25;margin:24px 0 4px;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:32px 0 8px}h3{font-size:1rem;margin:0 0 4px}",
  "p{margin:4px 0 8px}nav ul{display:flex;flex-wrap:wrap;gap:4px 16px;padding:0;list-style:none;margin:8px 0}",
  ".tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(120px,1fr));gap:8px;margin:12px 0}",
  ".tile{border-radius:8px;padding:8px 12px}.tile dt{font-size:.8rem}.tile dd{margin:0;font-size:1.15rem;font-weight:600;font-variant-numeric:tabular-nums}",
  ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:16px;align-items:start}",
  "figure{margin:0;padding:12px;border-radius:8px;break-inside:avoid;min-width:0}.wide{grid-column:1/-1}",
  ".panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:8px}",
  ".plot{display:block;width:100%;height:auto;max-width:560px;margin:4px auto}.wide>.plot{max-width:720px}",
  "figcaption{font-size:.85rem;margin:4px 0}details{font-size:.85rem;margin-top:6px}summary{cursor:pointer;padding:2px 0}",
  ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem}",
  "th,td{padding:3px 10px 3px 0;border-bottom:1px solid;text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left}",
  "tbody th{font-weight:400}caption{text-align:left;font-size:.85rem;padding-bottom:4px;max-width:calc(100vw - 40px)}",
  ".warnings{padding:0;list-style:none}.warn{padding:8px 12px;border-radius:8px;margin:6px 0}code{font:.9em ui-monospace,Menlo,Consolas,monospace;padding:1px 4px;border-radius:4px;overflow-wrap:anywhere}",
  ".made{display:grid;grid-template-columns:minmax(90px,max-content) 1fr;gap:2px 16px;font-size:.85rem}.made dd{margin:0;overflow-wrap:anywhere}",
  "footer{padding-bottom:32px}.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px}",
].join("\n");

/** Paper is light whatever the screen is, and has no room to scroll. */
const PRINT =
  "@page{size:A4;margin:14mm}@media print{nav,.skip{display:none}body{font-size:10pt}header,main,footer{max-width:none;padding:0}" +
  ".figures{grid-template-columns:1fr 1fr;gap:8px}figure{padding:4px}.card,.tile{background:none}.scroll{overflow:visible}" +
  "th,td{padding-right:6px;white-space:normal}h2{break-after:avoid}.panels{grid-template-columns:repeat(3,1fr)}details:not([open]){display:none}}";

/** The style of a page: by the reader's colour scheme on a screen, light on paper. */
export function pageStyle(): string {
  return (
    `${LAYOUT}\n${pageRules(LIGHT)}${plotRules(LIGHT)}\n` +
    `@media screen and (prefers-color-scheme:dark){${pageRules(DARK)}${plotRules(DARK)}}\n${PRINT}`
  );
}
