import { closeSync, fstatSync, read as readBack, readFile as readFileBack } from "node:fs";
import { setImmediate as nextTick } from "node:timers/promises";
import { promisify } from "node:util";
import { DataError, GomlError, InterruptedError, ModelError } from "../../errors.js";
import { openToRead, pipeStream } from "../../files/open-input.js";
import { duplicateKey } from "../../json-schema/duplicate-key.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { withPauses } from "../../parallel/with-pauses.js";
import { option, verb, wording } from "../../wording.js";
import { checkGroupsSteps } from "./check-groups.js";
import { checkSolutionSteps } from "./check-solution.js";
import { isAsWritten, matchesDigest } from "./digest.js";
import { LinearModel } from "./model.js";
import { isModelGroupDocument } from "./model-document.js";
import { ModelGroup } from "./model-group.js";
import { DocumentStream, type StreamedDocument } from "./streamed-document.js";

const readWhole = promisify(readFileBack) as (
  fd: number,
  options: { encoding: "utf8"; signal: AbortSignal | undefined },
) => Promise<string>;

const readPiece = promisify(readBack);

/**
 * The longest text that is parsed at once; what is longer is parsed as it comes, for a signal is heard between two pieces,
 * and V8's strings end at 512 MB.
 */
const MOST_TEXT = 1 << 20;

/** The longest model file that is read: its numbers take some 900 MB, twice that while they are taken over. */
export const MOST_BYTES = 2 ** 31;

/** How a model file is read; all may be left out. */
export interface ReadModelOptions {
  /**
   * Whether a file that is not what its digest says, or whose coefficients and covariance are not what its moments give,
   * is read all the same. Default: false.
   */
  trust?: boolean | undefined;
  /** Ends waiting for a file that comes through a pipe. */
  signal?: AbortSignal | undefined;
}

/**
 * Reads the file of one model.
 *
 * @throws DataError where it cannot be read; ModelError where it is not a model, is cut short, has been changed, or is of a
 * later schema, and where it holds models by group
 *
 * @example
 * ```js
 * import { readModel } from "goml";
 *
 * const model = await readModel("model.json");
 * console.log(model.target, model.n); // medv 506
 * ```
 */
export async function readModel(path: string, options: ReadModelOptions = {}): Promise<LinearModel> {
  return oneModel(await readAnyModel(path, options), path);
}

function oneModel(model: LinearModel | ModelGroup, path: string): LinearModel {
  if (model instanceof LinearModel) return model;
  throw new ModelError(`${path} holds ${model.models.size} models, by ${model.groupBy}`, {
    hint: wording`${verb("oneOfGroups")} gives the model of one group`,
  });
}

/**
 * Reads a model file: one model, or models by group.
 *
 * @throws as readModel
 * @example
 * ```js
 * import { ModelGroup, readAnyModel } from "goml";
 *
 * const model = await readAnyModel("model.json");
 * console.log(model instanceof ModelGroup ? model.groupBy : "one model"); // one model
 * ```
 */
export async function readAnyModel(
  path: string,
  options: ReadModelOptions = {},
): Promise<LinearModel | ModelGroup> {
  let read: string | StreamedDocument;
  try {
    read = await readFile(path, options.signal);
  } catch (cause) {
    if (cause instanceof GomlError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    const reasons: Record<string, string> = {
      ENOENT: "no such file",
      EISDIR: "is a directory, expected a model file",
      EACCES: "no permission to read it",
      EMFILE: "too many open files: raise the limit (ulimit -n)",
    };
    throw new DataError(reasons[code] ?? `cannot be read (${code})`, {
      place: { file: path },
      hint: "goml train writes a model",
      cause,
    });
  }
  const steps =
    typeof read === "string" ? textSteps(read, path, options) : documentSteps(read, path, options);
  return withPauses(steps, { threads: 1, signal: options.signal });
}

/** The text of a file, or of what comes through a pipe; the document of a long text. */
async function readFile(path: string, signal: AbortSignal | undefined): Promise<string | StreamedDocument> {
  const fd = openToRead(path);
  let open = true;
  try {
    const stats = fstatSync(fd);
    if (stats.size > MOST_BYTES)
      throw new DataError(`has ${stats.size} bytes, more than can be read`, {
        place: { file: path },
        hint: `a model file has at most ${MOST_BYTES}`,
      });
    if (stats.isDirectory()) throw Object.assign(new Error("directory"), { code: "EISDIR" });
    if (stats.isFile() && stats.size <= MOST_TEXT) return await readWhole(fd, { encoding: "utf8", signal });
    if (stats.isFile()) return await readStreamed(path, piecesOf(fd), signal);
    const stream = pipeStream(path, fd);
    open = false;
    const stop = () => stream.destroy(new InterruptedError());
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return await readStreamed(path, stream, signal);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  } finally {
    if (open) closeSync(fd);
  }
}

/** Bytes of a long file that are read at a time. */
const PIECE = 1 << 19;

/** A file's bytes, piece by piece; not as a stream, which would close the file where it is given up. */
async function* piecesOf(fd: number): AsyncGenerator<Buffer, void, void> {
  for (;;) {
    const piece = Buffer.allocUnsafe(PIECE);
    const { bytesRead } = await readPiece(fd, piece, 0, PIECE, null);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
  }
}

/**
 * The document that comes in pieces; its text, where that is short.
 *
 * @throws ModelError where it is no JSON; DataError where it does not end
 */
async function readStreamed(
  path: string,
  pieces: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): Promise<string | StreamedDocument> {
  const stream = new DocumentStream();
  let short: Buffer[] | undefined = [];
  let first: Buffer | undefined;
  let bytes = 0;
  try {
    for await (const piece of pieces) {
      first ??= piece;
      bytes += piece.length;
      // A device, /dev/zero for example, may have no end.
      if (bytes > MOST_BYTES)
        throw new DataError("has more bytes than can be read, expected a model", { place: { file: path } });
      if (bytes <= MOST_TEXT) {
        short?.push(piece);
        continue;
      }
      for (const one of [...(short ?? []), piece])
        for (let at = 0; at < one.length; at += PIECE) {
          stream.push(one.subarray(at, at + PIECE));
          await nextTick();
          if (signal?.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
        }
      short = undefined;
    }
    return short === undefined ? stream.end() : Buffer.concat(short).toString("utf8");
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw notJson(path, first !== undefined && looksLikeObject(first), cause);
  }
}

function looksLikeObject(bytes: Buffer): boolean {
  return /^\s*\{/.test(bytes.toString("latin1", 0, 64));
}

function notJson(path: string, started: boolean, cause: unknown): ModelError {
  return new ModelError(`${path}: ${started ? "the model file is cut short or damaged" : "not JSON"}`, {
    hint: "expected a file that goml train wrote",
    cause,
  });
}

/** The longest text that is parsed at once where nothing waits for it; V8's strings end at twice as much. */
const MOST_AT_ONCE = 1 << 28;

/**
 * A model, or models by group, from the bytes of their file.
 *
 * @throws ModelError as readModel
 */
export function parseAnyModel(
  bytes: Buffer,
  path: string,
  options: ReadModelOptions = {},
): LinearModel | ModelGroup {
  if (bytes.length <= MOST_AT_ONCE) return inOneGo(textSteps(bytes.toString("utf8"), path, options));
  const stream = new DocumentStream();
  let document: StreamedDocument;
  try {
    for (let at = 0; at < bytes.length; at += PIECE) stream.push(bytes.subarray(at, at + PIECE));
    document = stream.end();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw notJson(path, looksLikeObject(bytes), cause);
  }
  return inOneGo(documentSteps(document, path, options));
}

function* textSteps(text: string, path: string, options: ReadModelOptions): Steps<LinearModel | ModelGroup> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw notJson(path, text.trimStart().startsWith("{"), cause);
  }
  yield;
  const asWritten = isAsWritten(text);
  yield;
  // What goml wrote itself has none.
  const twice = asWritten ? undefined : duplicateKey(text);
  const intact = function* (): Steps<boolean> {
    yield;
    return asWritten || matchesDigest(text, document);
  };
  return yield* documentSteps({ document, twice, intact }, path, options);
}

/**
 * The model, or the models by group, of a document.
 *
 * @throws ModelError as readModel
 */
function* documentSteps(
  { document, twice, intact }: StreamedDocument,
  path: string,
  { trust }: ReadModelOptions,
): Steps<LinearModel | ModelGroup> {
  if (twice !== undefined)
    throw new ModelError(`${path}: an object has two members ${JSON.stringify(twice)}`, {
      hint: "it is not said which of them counts: take one away",
    });
  const model = isModelGroupDocument(document)
    ? yield* ModelGroup.fromJsonSteps(document, path)
    : yield* LinearModel.fromJsonSteps(document, path);
  if (trust) return model;
  if (!(yield* intact()))
    throw new ModelError(`${path}: the file has been changed since goml wrote it`, {
      hint: wording`train it anew, or read it as it is with ${option("trust", true)}`,
    });
  if (model instanceof LinearModel) yield* checkSolutionSteps(model, path);
  else yield* checkGroupsSteps(model, path);
  return model;
}
