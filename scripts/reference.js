// The reference of the library, by TypeDoc, into docs/api/: `npm run docs`.
//
// TypeDoc needs a TypeScript written in JavaScript (6), and the project is compiled by the native one (7), which has no API
// for it. So both lie in a folder of their own, and TypeDoc reads the declarations that the build has written, which are
// what users' compilers read.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const home = "node_modules/.cache/goml/typedoc";
const VERSIONS = ["typedoc@0.28.20", "typescript@6.0.3"];

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync("dist/index.d.ts")) run("npm", ["run", "--silent", "build"]);
mkdirSync(home, { recursive: true });
if (!existsSync(`${home}/node_modules/typedoc`)) {
  writeFileSync(`${home}/package.json`, '{ "private": true }\n');
  run("npm", ["install", "--silent", "--no-save", "--prefix", home, ...VERSIONS]);
}
writeFileSync(
  `${home}/tsconfig.json`,
  JSON.stringify({
    compilerOptions: {
      target: "es2023",
      lib: ["es2023", "es2024.sharedmemory"],
      module: "nodenext",
      moduleResolution: "nodenext",
      types: ["node"],
      skipLibCheck: true,
      strict: true,
      noEmit: true,
    },
    include: ["../../../../dist/**/*.d.ts"],
  }),
);
run(process.execPath, [
  `${home}/node_modules/typedoc/bin/typedoc`,
  ...[
    "dist/index.d.ts",
    "dist/machine/index.d.ts",
    "dist/onnx/index.d.ts",
    "dist/predict.d.ts",
    "dist/ranks/index.d.ts",
    "dist/serve/index.d.ts",
    "dist/webgpu/index.d.ts",
  ],
  ...["--tsconfig", `${home}/tsconfig.json`],
  ...["--out", "docs/api"],
  ...["--name", "goml"],
  ...["--readme", "docs/guide/library.md"],
  "--excludeInternal",
  "--excludePrivate",
  // Links into the repository need one to link to.
  "--disableSources",
  ...["--treatWarningsAsErrors", String(process.argv.includes("--strict"))],
]);
