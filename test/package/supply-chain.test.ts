import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

interface Component {
  name: string;
  version: string;
  purl: string;
  "bom-ref": string;
  hashes: { alg: string; content: string }[];
  licenses: { license?: { id?: string }; expression?: string }[];
  properties: { name: string; value: string }[];
}

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const named = ({ name, version }: { name: string; version: string }) => `${name}@${version}`;
let bom: {
  bomFormat: string;
  specVersion: string;
  metadata: { component: { name: string; version: string } };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
};
let bundled: string[] = [];

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/sbom.js"]);
  bom = read("dist/sbom.cdx.json");
  bundled = read("dist/bundled-packages.json");
});

describe("the bill of materials", () => {
  test("has what the build put into our files, and nothing else: nothing is installed beside them", () => {
    expect([bom.bomFormat, bom.specVersion]).toEqual(["CycloneDX", "1.5"]);
    expect(bom.metadata.component).toMatchObject({ name: "goml", version: read("package.json").version });
    expect([...new Set(bom.components.map(named))].sort()).toEqual(bundled);
    expect(bundled).toEqual([...new Set(bundled)].sort());
    for (const { properties } of bom.components)
      expect(properties).toEqual([{ name: "cdx:npm:package:bundled", value: "true" }]);
  });

  test("has a licence, a package URL, and the lock file's hash of each", () => {
    const { packages } = read("package-lock.json") as {
      packages: Record<string, { version?: string; integrity?: string }>;
    };
    const hashes = new Map<string, string>();
    for (const [path, { version, integrity }] of Object.entries(packages)) {
      const name = path.replace(/^.*node_modules\//, "");
      if (integrity !== undefined)
        hashes.set(
          `${name}@${version}`,
          Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex"),
        );
    }
    for (const component of bom.components) {
      const { name, version, purl, licenses } = component;
      expect(purl).toBe(`pkg:npm/${name.replace("@", "%40")}@${version}`);
      expect([name, licenses[0]?.license?.id ?? licenses[0]?.expression]).toEqual([
        name,
        expect.stringMatching(/MIT|Apache-2\.0|BSD|ISC/),
      ]);
      expect(component.hashes).toEqual([{ alg: "SHA-512", content: hashes.get(named(component)) }]);
    }
  });

  test("refers to nothing that is not in it", () => {
    const known = new Set([...bom.components.map((one) => one["bom-ref"]), bom.dependencies[0]!.ref]);
    for (const { ref, dependsOn } of bom.dependencies)
      expect([ref, ...dependsOn].filter((one) => !known.has(one))).toEqual([]);
  });

  test("is what the notices and the table in the docs say", () => {
    const notices = readFileSync("dist/THIRD-PARTY-NOTICES.txt", "utf8");
    for (const one of bundled) expect(notices).toContain(`${one.replace(/@([^@]+)$/, " $1")}\n`);
    const docs = readFileSync("docs/supply-chain.md", "utf8");
    const dependsOn = new Map(bom.dependencies.map(({ ref, dependsOn: on }) => [ref, on]));
    const rows = bom.dependencies[0]!.dependsOn.map((direct) => {
      const all = new Set([direct]);
      for (const one of all) for (const other of dependsOn.get(one) ?? []) all.add(other);
      return [direct.replace(/@[^@]+$/, ""), `${all.size} ${all.size === 1 ? "package" : "packages"}`];
    });
    const table = [...docs.matchAll(/^\| `([^`]+)` *\|[^|]*\| ([^|]*?) *\|/gm)].map(([, name, count]) => [
      name,
      count,
    ]);
    expect(table).toEqual(rows);
    expect(docs).toContain(`together they are ${bundled.length},`);
  });
});

describe("a release", () => {
  /** Runs the script in a repository of its own that `change` has been at. */
  function released(change: (folder: string, git: (...args: string[]) => void) => void, ...args: string[]) {
    const folder = mkdtempSync(join(tmpdir(), "goml-release-"));
    try {
      const git = (...words: string[]) =>
        void execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...words], {
          cwd: folder,
        });
      mkdirSync(join(folder, "scripts"));
      copyFileSync(resolve("scripts/release.js"), join(folder, "scripts/release.js"));
      writeFileSync(join(folder, "package.json"), '{ "name": "x", "version": "1.2.3", "type": "module" }');
      writeFileSync(join(folder, "CHANGELOG.md"), "# Changelog\n\n## 1.2.3\n");
      git("init", "-q");
      git("add", ".");
      git("commit", "-qm", "x");
      change(folder, git);
      const { ACTIONS_ID_TOKEN_REQUEST_URL: _, SIGSTORE_ID_TOKEN: __, ...env } = process.env;
      const { status, stderr } = spawnSync(process.execPath, ["scripts/release.js", ...args], {
        cwd: folder,
        env: { ...env, npm_config_offline: "true" },
        encoding: "utf8",
      });
      return [status, stderr.trim().split("\n").at(-1)];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test("is refused from a tree with changes, without its tag, and without a section in the changelog", () => {
    expect(released((folder) => writeFileSync(join(folder, "new"), ""))).toEqual([
      1,
      "not released: the working tree has changes that are in no commit",
    ]);
    expect(released((_, git) => git("tag", "v1.2.2"))).toEqual([
      1,
      "not released: this commit has no tag v1.2.3",
    ]);
    expect(
      released((folder, git) => {
        writeFileSync(join(folder, "CHANGELOG.md"), "# Changelog\n");
        git("commit", "-qam", "y");
        git("tag", "v1.2.3");
      }),
    ).toEqual([1, "not released: CHANGELOG.md has no section 1.2.3"]);
  });

  test("is published by a CI that can sign where it comes from, and stops at the first step that fails", () => {
    const tagged = (_: string, git: (...args: string[]) => void) => git("tag", "v1.2.3");
    expect(released(tagged, "--publish")).toEqual([1, expect.stringContaining("which this is not")]);
    // There is no lock file, so that nothing can be installed by it.
    expect(released(tagged)).toEqual([
      1,
      "not released: what is installed is what the lock file says failed",
    ]);
  });
});
