// Writes dist/sbom.cdx.json: the packages that are in what users install, as a CycloneDX 1.5 document. They are those
// that the build has put into our files (dist/bundled-packages.json) and those that package.json depends on, with what
// these depend on; versions, licences and hashes are those of package-lock.json, as npm writes them.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const manifest = read("package.json");
const bundled = new Set(read("dist/bundled-packages.json"));
const options = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
const bom = JSON.parse(execFileSync("npm", options, { encoding: "utf8", maxBuffer: 1 << 28 }));

const nameOf = ({ name, version }) => `${name}@${version}`;
const refs = new Map(bom.components.map((component) => [component["bom-ref"], component]));
const dependsOn = new Map(bom.dependencies.map(({ ref, dependsOn: on }) => [ref, on]));

// What comes along with an install: the dependencies, and theirs.
const installed = new Set();
const open = [...refs]
  .filter(([, { name }]) => Object.hasOwn(manifest.dependencies ?? {}, name))
  .map(([ref]) => ref);
for (const ref of open)
  if (!installed.has(ref)) {
    installed.add(ref);
    open.push(...(dependsOn.get(ref) ?? []));
  }

const components = [...refs.values()]
  .filter((component) => installed.has(component["bom-ref"]) || bundled.has(nameOf(component)))
  .map((component) => {
    const properties = component.properties.filter(({ name }) => name !== "cdx:npm:package:development");
    if (bundled.has(nameOf(component))) properties.push({ name: "cdx:npm:package:bundled", value: "true" });
    return { ...component, scope: "required", properties };
  });
const known = new Set(components.map(nameOf));
const lacking = [...bundled].filter((one) => !known.has(one));
if (lacking.length > 0)
  throw new Error(`package-lock.json has no ${lacking.join(", ")}, which dist/ has in it`);

const root = bom.metadata.component["bom-ref"];
const kept = new Set([root, ...components.map((component) => component["bom-ref"])]);
const document = {
  ...bom,
  metadata: {
    ...bom.metadata,
    lifecycles: [{ phase: "build" }],
    component: { ...bom.metadata.component, name: manifest.name },
  },
  components,
  dependencies: bom.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn: on }) => ({ ref, dependsOn: on.filter((one) => kept.has(one)) })),
};
writeFileSync("dist/sbom.cdx.json", `${JSON.stringify(document, null, 2)}\n`);
process.stdout.write(`dist/sbom.cdx.json: ${components.length} packages\n`);
