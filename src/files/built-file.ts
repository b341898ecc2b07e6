/**
 * A file that the build has put into dist/, such as "kernels/kernels.wasm" or "bundle/scan-worker.js". A room is two levels below
 * the package in src/, in dist/ and in dist/bundle/ alike. Where the library is in a bundle of somebody else's, its files are
 * still those of the package, which is looked for from the bundle on, and from the working directory. In the one-file
 * executable another module stands in for this one (src/cli/binary).
 */
export function builtFile(path: string): URL {
  // Undefined in a bundle of CommonJS.
  const here = import.meta.url as string | undefined;
  const own = new URL(`../../dist/${path}`, here ?? "file:///");
  // A page of a browser has no modules of Node: whoever bundles for one gives it the files.
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin === undefined) return own;
  if (here !== undefined && builtin("node:fs").existsSync(own)) return own;
  for (const from of [here, builtin("node:path").resolve("index.js")])
    try {
      if (from === undefined) continue;
      const manifest = builtin("node:module").createRequire(from).resolve("goml/package.json");
      return new URL(`dist/${path}`, builtin("node:url").pathToFileURL(manifest));
    } catch {
      // It is not installed there.
    }
  return own;
}
