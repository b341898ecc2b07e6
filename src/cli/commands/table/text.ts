import type { SetTable } from "../../../tables/set-table.js";
import { colour, screen } from "../../render/colour.js";
import { renderTable, setLines } from "../../render/table.js";

/** More coefficients than this are shown by the first ones. */
const MOST = 60;
const FIRST = 50;

/** A table of models for a terminal. */
export function tableText({ names, targets, parts, notes }: SetTable, title?: string): string {
  const [first = [], ...others] = parts;
  const cut = screen.all || first.length <= MOST ? 0 : first.length - FIRST;
  const rows = [cut === 0 ? first : first.slice(0, FIRST), ...others].flatMap((part) => [
    [],
    ...part.flatMap(({ label, cells, beneath }) => [
      [label, ...cells.map(({ text, stars }) => text + stars)],
      ...(beneath === undefined ? [] : [["", ...beneath]]),
    ]),
  ]);
  const table = renderTable({
    titles: ["", ...names],
    rows: [["", ...targets.map((text) => colour.dim(text))], ...rows],
    align: ["left", ...names.map(() => "right" as const)],
  });
  const more = cut === 0 ? [] : [colour.dim(`… ${cut} more coefficients, --all`)];
  const below = [...more, ...notes.map((note) => colour.dim(note))];
  return setLines([
    ...(title === undefined ? [] : [colour.bold(title), ""]),
    table,
    ...(below.length === 0 ? [] : ["", ...below]),
    "",
  ]);
}
