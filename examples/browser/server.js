// A page on which one writes a digit, and a network in the browser reads it, by goml's own machine: WebAssembly in a Web
// Worker, so that the page stays awake.
//
//     node examples/digits.js --output digits.onnx
//     node examples/browser/server.js digits.onnx [--port 8000]
//
// The library is bundled by esbuild, which has to be installed (npm install esbuild). Shared memory, which the machine
// works in, browsers give only to pages that are isolated from others, by the two headers below.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const { values: flags, positionals } = parseArgs({
  options: { port: { type: "string" } },
  allowPositionals: true,
});
const [model = "digits.onnx"] = positionals;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

// What the library has of Node it does not need here: threads and files. Its kernels come over HTTP.
const browser = {
  name: "without Node",
  setup(own) {
    own.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "node" }));
    own.onLoad({ filter: /.*/, namespace: "node" }, ({ path }) => ({
      contents: path === "node:fs" ? 'export { readFileSync } from "./files.js";' : nothing(path),
      resolveDir: here("."),
    }));
  },
};

/** A module of Node's with what the library names of it, which is never called. */
function nothing(path) {
  const names = {
    "node:events": ["setMaxListeners"],
    "node:os": ["availableParallelism"],
    "node:timers/promises": ["setImmediate"],
    "node:worker_threads": ["parentPort", "threadId", "workerData", "Worker"],
  };
  return (names[path] ?? []).map((name) => `export const ${name} = undefined;`).join("\n");
}

const { outputFiles } = await build({
  entryPoints: [here("worker.js")],
  bundle: true,
  format: "esm",
  platform: "browser",
  minify: true,
  write: false,
  plugins: [browser],
});
const script = Buffer.from(outputFiles[0].contents);

const kernels = fileURLToPath(new URL("../../dist/kernels/tensor.wasm", import.meta.url));
const routes = {
  "/": ["text/html; charset=utf-8", () => createReadStream(here("page.html"))],
  "/page.js": ["text/javascript", () => createReadStream(here("page.js"))],
  "/worker.js": ["text/javascript", () => script],
  "/dist/kernels/tensor.wasm": ["application/wasm", () => createReadStream(kernels)],
  "/model.onnx": ["application/octet-stream", () => createReadStream(model)],
};

const server = createServer((request, response) => {
  const route = routes[new URL(request.url, "http://localhost").pathname];
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-embedder-policy", "require-corp");
  if (route === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader("content-type", route[0]);
  const body = route[1]();
  if (Buffer.isBuffer(body)) response.end(body);
  else body.on("error", () => response.writeHead(404).end()).pipe(response);
});
server.listen(Number(flags.port ?? 8000), "127.0.0.1", () => {
  console.log(
    `the page is at http://127.0.0.1:${server.address().port}/, its script is ${script.length} bytes`,
  );
});
