// Builds goml as one file: this Node's executable with the command, its threads, kernels and page in it (a "single executable
// application"), and V8's code of the commands, which the executable itself makes in a first run of each.
// Usage: node scripts/build-binary.js [file]   (default: dist/binary/goml; goml.exe on Windows)
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "postject";
import { buildBundles, optional } from "./bundles.js";
import { writeNotices } from "./notices.js";

const asked = process.argv[2] && resolve(process.argv[2]);
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
if (!existsSync("dist/kernels/kernels.wasm")) throw new Error("npm run build comes first");
const out = "dist/binary";
const target = asked ?? resolve(out, process.platform === "win32" ? "goml.exe" : "goml");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// In the executable other modules stand in for those that read files of the package.
const instead = {
  "src/files/built-file.ts": "src/cli/binary/built-file.ts",
  "src/parallel/start-thread.ts": "src/cli/binary/start-thread.ts",
  "src/files/read-built.ts": "src/cli/binary/read-built.ts",
  "src/cli/boston.ts": "src/cli/binary/boston.ts",
};
const standIns = {
  name: "files of the executable",
  setup: (b) => {
    b.onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path, importer }) => {
      const source = resolve(dirname(importer), path).replace(/\.js$/, ".ts");
      const other = Object.keys(instead).find((file) => resolve(file) === source);
      return other && { path: resolve(instead[other]) };
    });
  },
};
const metafiles = await buildBundles(`${out}/bundle`, {
  beside: true,
  // A thread cannot read pieces of others before it runs.
  threads: true,
  start: "src/cli/binary/main.ts",
  plugins: [standIns],
  // What is JavaScript comes along; pg's other client is C.
  external: [...optional.native, "pg-native", "pg-cloudflare"],
  // The executable's files are read as bytes of characters.
  charset: "ascii",
});
writeNotices(metafiles, `${out}/THIRD-PARTY-NOTICES.txt`);

const assets = {
  "boston.csv": "data/boston.csv",
  notices: `${out}/THIRD-PARTY-NOTICES.txt`,
  ...Object.fromEntries(
    ["kernels", "page"].flatMap((folder) =>
      readdirSync(`dist/${folder}`)
        .filter(
          (name) => /\.(wasm|html|css|js)$/.test(name) && !(folder === "kernels" && name.endsWith(".js")),
        )
        .map((name) => [`${folder}/${name}`, `dist/${folder}/${name}`]),
    ),
  ),
  ...Object.fromEntries(
    readdirSync(`${out}/bundle`)
      .filter((name) => name !== "start.js")
      .map((name) => [`bundle/${name}`, `${out}/bundle/${name}`]),
  ),
};

/** Writes the executable with some files in it. */
async function pack(files) {
  const config = {
    main: `${out}/bundle/start.js`,
    output: `${out}/goml.blob`,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    assets: files,
  };
  writeFileSync(`${out}/goml.json`, JSON.stringify(config));
  execFileSync(process.execPath, ["--experimental-sea-config", `${out}/goml.json`], { stdio: "pipe" });
  rmSync(target, { force: true });
  copyFileSync(process.execPath, target);
  chmodSync(target, 0o755);
  const mac = process.platform === "darwin";
  if (mac) execFileSync("codesign", ["--remove-signature", target]);
  await inject(target, "NODE_SEA_BLOB", readFileSync(config.output), {
    sentinelFuse: "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2",
    ...(mac && { machoSegmentName: "NODE_SEA" }),
  });
  if (mac) execFileSync("codesign", ["--sign", "-", target]);
}

await pack(assets);
const code = gathered();
await pack({ ...assets, ...code });
for (const name of ["goml.blob", "goml.json", "work"])
  rmSync(`${out}/${name}`, { recursive: true, force: true });
const size = (file) => (statSync(file).size / 1e6).toFixed(1);
console.log(
  `${target}: ${size(target)} MB, of which Node ${process.version} ${size(process.execPath)} MB; ` +
    `V8's code of ${Object.keys(code).length} bundles`,
);

/** Runs commands as users do, and gives the files of V8's code that they leave. */
function gathered() {
  const work = resolve(out, "work");
  mkdirSync(work);
  copyFileSync("data/boston.csv", join(work, "boston.csv"));
  const {
    NODE_OPTIONS: _,
    NODE_DISABLE_COMPILE_CACHE: _d,
    NODE_V8_COVERAGE: _c,
    ...environment
  } = process.env;
  const env = { ...environment, NODE_COMPILE_CACHE: join(work, "code"), NO_COLOR: "1" };
  const goml = (...args) => execFileSync(target, args, { cwd: work, env, stdio: "pipe" });
  goml("train", "boston.csv");
  goml("predict", "boston.csv", "-o", "predicted.csv");
  goml("evaluate", "boston.csv");
  goml("inspect", "model.json");
  goml("--help");
  const folder = readdirSync(join(work, "code", "goml"))[0];
  const from = join(work, "code", "goml", folder);
  return Object.fromEntries(
    readdirSync(from).map((name) => {
      // The sum behind it tells of damage on a disk; the executable is whole or it is not.
      const file = join(work, `${basename(name)}.code`);
      writeFileSync(file, readFileSync(join(from, name)).subarray(0, -4));
      return [`code/${name}`, file];
    }),
  );
}
