// Completes package-lock.json: npm leaves out the packages of other platforms that its registry does not have in the
// wanted version (mirrors often lack some), and `npm ci` then refuses the lock file everywhere. Their entries need
// nothing from the registry. Run it after `npm install` has changed the lock file.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const { packages } = lock;

const systems = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const processors = ["arm64", "arm", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];

/** Where a dependency of a package is, or would be, installed. */
function placeOf(parent, name) {
  for (let folder = parent; ; folder = folder.replace(/\/?node_modules\/(?:@[^/]+\/)?[^/]+$/, "")) {
    const place = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (packages[place] !== undefined) return place;
    if (folder === "") return undefined;
  }
}

let added = 0;
for (const [parent, { optionalDependencies, dev }] of Object.entries(packages))
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const os = systems.filter((system) => name.includes(system));
    const cpu = processors.filter((processor) => name.split(/[-/]/).some((part) => part === processor));
    if (placeOf(parent, name) !== undefined || os.length === 0 || !/^\d/.test(version)) continue;
    const libc = /-musl/.test(name) ? ["musl"] : /-gnu/.test(name) ? ["glibc"] : undefined;
    packages[`node_modules/${name}`] = {
      version,
      ...(cpu.length > 0 ? { cpu: cpu.slice(0, 1) } : {}),
      ...(dev ? { dev } : {}),
      ...(libc ? { libc } : {}),
      optional: true,
      os,
    };
    added++;
  }
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} packages of other platforms added to package-lock.json\n`);
