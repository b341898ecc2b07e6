// The rooms of the house, from the top down: a room may import only rooms that stand below it.
// Writes the matching lint overrides into biome.json; `node scripts/rooms.js` after adding a room.
import { readFileSync, writeFileSync } from "node:fs";

const rooms = [
  "cli",
  "tables",
  "report",
  "serve",
  "prediction",
  "interchange",
  "training",
  "linear",
  "engines",
  "scan",
  "sources",
  "csv",
  "ranks",
  "onnx",
  "webgpu",
  "machine",
  "parallel",
  "dataset",
  "stats",
  "kernels",
  "json-schema",
  "files",
];

const path = new URL("../biome.json", import.meta.url);
const config = JSON.parse(readFileSync(path, "utf8"));
const own = (config.overrides ?? []).filter((o) => !o.includes?.[0]?.startsWith("src/"));
const fence = (room, above) => ({
  includes: [`src/${room}/**`],
  linter: {
    rules: {
      style: {
        noRestrictedImports: {
          level: "error",
          options: {
            patterns: [
              {
                group: [...above.map((r) => `**/${r}/**`), "**/src/index.js", "../index.js"],
                message: `${room} imports only the rooms below it (docs/ARCHITECTURE.md)`,
              },
            ],
          },
        },
      },
    },
  },
});
config.overrides = [...own, ...rooms.map((room, i) => fence(room, rooms.slice(0, i)))];
writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`);
