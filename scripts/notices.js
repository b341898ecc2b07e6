// Collects the licences of the packages that esbuild put into our files, which must travel with them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The packages among the inputs of esbuild's metafiles, by the folders that they are in. */
function packagesOf(metafiles) {
  const folders = new Set();
  for (const { inputs } of metafiles)
    for (const input of Object.keys(inputs)) {
      const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
      if (match) folders.add(match[1]);
    }
  return [...folders]
    .sort()
    .map((folder) => ({ folder, ...JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) }));
}

/** What of other packages is in our files: `name@version` of each, once. */
export function bundledPackages(metafiles) {
  return [...new Set(packagesOf(metafiles).map(({ name, version }) => `${name}@${version}`))].sort();
}

/** Writes the licence texts of all packages among the inputs of esbuild's metafiles, each text once. */
export function writeNotices(metafiles, path) {
  const packagesByText = new Map();
  for (const { folder, name, version, license } of packagesOf(metafiles)) {
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
      .map((file) => readFileSync(join(folder, file), "utf8").trim());
    const text = texts.length > 0 ? texts.join("\n\n") : `${license} licence`;
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...packagesByText].map(([text, packages]) => `${packages.join("\n")}\n\n${text}\n`);
  writeFileSync(path, parts.join(`\n${"-".repeat(79)}\n\n`));
}
