import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { crc32 } from "node:zlib";

/** What a bundle is called with in place of Node's own wrapper. */
type Wrapped = (
  exports: object,
  require: (id: string) => unknown,
  module: { exports: object },
  filename: string,
  dirname: string,
  importModule: (id: string) => Promise<unknown>,
) => void;

/** Where bundles are. */
export interface Bundles {
  /** Their folder, as they see it. */
  readonly folder: string;
  /** The folder of their code, which need not exist; undefined for none. */
  readonly kept: string | undefined;
  /** Node's own `require` for what is no bundle, as of a file in the folder. */
  readonly require: (id: string) => unknown;
  /** Node's own `import` for what is neither a bundle nor a module of Node, as of a file in the folder. */
  readonly importModule: (id: string) => Promise<unknown>;
  /** The text of one, between what stands before and after it. */
  readonly text: (name: string, around: readonly [string, string]) => string;
  /** The code that they come with. */
  readonly code?: (name: string) => Buffer | undefined;
}

interface Loaded {
  readonly module: { exports: object };
  readonly name: string;
  readonly script: Script;
  /** Whether V8 has got no code of it from us. */
  readonly fresh: boolean;
}

/** On the first line, so that lines are those of the file; columns of the first one are not. */
const AROUND = ["(function (exports, require, module, __filename, __dirname, __import) {", "\n})"] as const;
/** Of the bundles that the build writes. */
const BESIDE = /^\.\/([\w-]+\.js)$/;

/**
 * Loads the command's bundles, CommonJS files of a folder, with the code that V8 made of them the last time.
 *
 * V8 compiles a function when it is first called; for a small fit that is a quarter of the whole process. What it has
 * compiled by the end of a run (`createCachedData`) is kept in files, from which the next run takes it. V8 itself checks
 * that they are its own version's, of its flags and of a source of that length; what it rejects is compiled as ever.
 */
export class BundleLoader {
  readonly #bundles: Bundles;
  readonly #loaded = new Map<string, Loaded>();

  constructor(bundles: Bundles) {
    this.#bundles = bundles;
  }

  /** The exports of a bundle, which is run the first time. */
  load(name: string): object {
    const known = this.#loaded.get(name);
    if (known !== undefined) return known.module.exports;
    const { folder, importModule, require } = this.#bundles;
    const filename = join(folder, name);
    const text = this.#bundles.text(name, AROUND);
    const cachedData = this.#codeOf(name);
    const script = new Script(text, { filename, ...(cachedData && { cachedData }) });
    const module = { exports: {} };
    this.#loaded.set(name, { module, name, script, fresh: cachedData === undefined });
    (script.runInThisContext() as Wrapped)(
      module.exports,
      (id) => this.#bundle(id) ?? require(id),
      module,
      filename,
      folder,
      // Node's loader of modules takes 5 ms for the first, which one of its own does not need: it has the same names.
      async (id) => this.#bundle(id) ?? (id.startsWith("node:") ? require(id) : importModule(id)),
    );
    return module.exports;
  }

  #bundle(id: string): object | undefined {
    const name = BESIDE.exec(id)?.[1];
    return name === undefined ? undefined : this.load(name);
  }

  #codeOf(name: string): Buffer | undefined {
    const { kept, code } = this.#bundles;
    const built = code?.(name);
    return built !== undefined || kept === undefined ? built : keptCode(join(kept, name));
  }

  /**
   * Keeps the code of bundles of which there was none; called at the end of a run, so that functions are in it which were
   * compiled on the way. Where nothing can be written, nothing is.
   */
  keep(): void {
    const folder = this.#bundles.kept;
    const fresh = [...this.#loaded.values()].filter((bundle) => bundle.fresh);
    if (folder === undefined || fresh.length === 0) return;
    for (const { name, script } of fresh) keepCode(join(folder, name), script);
  }
}

/** The code that was kept in a file; undefined where there is none, or not what was written. */
export function keptCode(path: string): Buffer | undefined {
  try {
    return withoutSum(readFileSync(path));
  } catch {
    return undefined;
  }
}

/** Keeps a script's code in a file, where that can be written: it may be somebody else's, or the disk full. */
export function keepCode(path: string, script: Script): void {
  try {
    makeFolder(dirname(path));
    keepFile(path, () => withSum(script.createCachedData()));
  } catch {
    // The next run does without.
  }
}

/**
 * Makes a folder and those above it. Node's own recursive way never comes back where the system denies a folder whose parent
 * is there, as /proc does.
 */
function makeFolder(path: string, retry = false): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (retry || code !== "ENOENT" || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    makeFolder(path, true);
  }
}

/** Code with a checksum behind it: V8 does not look at its own, and damaged code ends the process. */
function withSum(code: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(code));
  return Buffer.concat([code, sum]);
}

/** The code, undefined where it is not what was written. */
function withoutSum(bytes: Buffer): Buffer | undefined {
  const code = bytes.subarray(0, -4);
  return bytes.length > 4 && crc32(code) === bytes.readUInt32LE(code.length) ? code : undefined;
}

/** Writes a file whole or not at all, also where runs end side by side. */
function keepFile(path: string, bytes: () => Buffer): void {
  const own = `${path}.${process.pid}`;
  // Before they are made, which takes some milliseconds: perhaps nothing can be written.
  writeFileSync(own, "");
  try {
    writeFileSync(own, bytes());
    renameSync(own, path);
  } catch (error) {
    rmSync(own, { force: true });
    throw error;
  }
}

/**
 * Where the code of the bundles in `folder` is kept: in the package's own folder, for who can write there can change the
 * bundles as well, or where `NODE_COMPILE_CACHE` says. A folder is of one build, V8 and processor; there is none where V8
 * runs with flags, on which the code depends, or `NODE_DISABLE_COMPILE_CACHE` is set.
 *
 * @param build what tells this build of the bundles from others
 */
export function codeFolder(folder: string, build: string): string | undefined {
  const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE, NODE_OPTIONS, NODE_V8_COVERAGE } = process.env;
  if (NODE_DISABLE_COMPILE_CACHE || NODE_OPTIONS || NODE_V8_COVERAGE || process.execArgv.length > 0)
    return undefined;
  const own = `${build}-${process.versions.v8}-${process.arch}`;
  return NODE_COMPILE_CACHE ? join(NODE_COMPILE_CACHE, "goml", own) : join(folder, "..", "code", own);
}
