import { closeSync, createReadStream, fstatSync, readFile as readFileBack } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { DataError, GomlError, InterruptedError, ModelError } from "../../errors.js";
import { openToRead, pipeStream } from "../../files/open-input.js";
import { duplicateKey } from "../../json-schema/duplicate-key.js";
import { option, verb, wording } from "../../wording.js";
import { checkSolution } from "./check-solution.js";
import { isAsWritten, matchesDigest } from "./digest.js";
import { LinearModel } from "./model.js";
import { isModelGroupDocument } from "./model-document.js";
import { ModelGroup } from "./model-group.js";
import { DocumentStream, type StreamedDocument } from "./streamed-document.js";

const readWhole = promisify(readFileBack) as (
  fd: number,
  options: { encoding: "utf8"; signal: AbortSignal | undefined },
) => Promise<string>;

/** The longest text that V8 can hold; what is longer is parsed as it comes. */
const MOST_TEXT = 2 ** 29 - 24;

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
    if (cause instanceof SyntaxError) throw notJson(path, true, cause);
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
  return typeof read === "string"
    ? parseAnyModel(read, path, options)
    : modelOf(read.document, read.intact, path, options);
}

/** The text of a file, or of what comes through a pipe; the document of a text that is longer than a string can be. */
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
    if (stats.isFile())
      return await readStreamed(
        createReadStream(path, { fd, autoClose: false, highWaterMark: PIECE, signal }),
      );
    const stream = pipeStream(path, fd);
    open = false;
    const stop = () => stream.destroy(new InterruptedError());
    signal?.addEventListener("abort", stop, { once: true });
    const parts: Buffer[] = [];
    let streamed: DocumentStream | undefined;
    let bytes = 0;
    try {
      for await (const part of stream) {
        bytes += part.length;
        // A device, /dev/zero for example, may have no end.
        if (bytes > MOST_BYTES)
          throw new DataError("has more bytes than can be read, expected a model", { place: { file: path } });
        if (bytes <= MOST_TEXT) parts.push(part);
        else {
          streamed ??= new DocumentStream();
          for (const earlier of parts.splice(0)) streamed.push(earlier);
          streamed.push(part);
        }
      }
    } finally {
      signal?.removeEventListener("abort", stop);
    }
    return streamed?.end() ?? Buffer.concat(parts).toString("utf8");
  } finally {
    if (open) closeSync(fd);
  }
}

/** Bytes of a long file that are read at a time. */
const PIECE = 1 << 20;

/** The document that comes in pieces. @throws SyntaxError where it is no JSON */
export async function readStreamed(pieces: AsyncIterable<Buffer>): Promise<StreamedDocument> {
  const stream = new DocumentStream();
  for await (const piece of pieces) stream.push(piece);
  return stream.end();
}

function notJson(path: string, started: boolean, cause: unknown): ModelError {
  return new ModelError(`${path}: ${started ? "the model file is cut short or damaged" : "not JSON"}`, {
    hint: "expected a file that goml train wrote",
    cause,
  });
}

/**
 * A model, or models by group, from the text of their file.
 *
 * @throws ModelError as readModel
 */
export function parseAnyModel(
  text: string,
  path: string,
  options: ReadModelOptions = {},
): LinearModel | ModelGroup {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw notJson(path, text.trimStart().startsWith("{"), cause);
  }
  const asWritten = isAsWritten(text);
  // What goml wrote itself has none.
  const twice = asWritten ? undefined : duplicateKey(text);
  if (twice !== undefined)
    throw new ModelError(`${path}: an object has two members ${JSON.stringify(twice)}`, {
      hint: "it is not said which of them counts: take one away",
    });
  return modelOf(document, () => asWritten || matchesDigest(text, document), path, options);
}

/**
 * The model, or the models by group, of a document.
 *
 * @throws ModelError as readModel
 */
function modelOf(
  document: unknown,
  intact: () => boolean,
  path: string,
  { trust }: ReadModelOptions,
): LinearModel | ModelGroup {
  const model = isModelGroupDocument(document)
    ? ModelGroup.fromJSON(document, path)
    : LinearModel.fromJSON(document, path);
  if (trust) return model;
  if (!intact())
    throw new ModelError(`${path}: the file has been changed since goml wrote it`, {
      hint: wording`train it anew, or read it as it is with ${option("trust", true)}`,
    });
  if (model instanceof LinearModel) checkSolution(model, path);
  else
    for (const [group, one] of someOf(model.models))
      checkSolution(one, `${path}: group ${JSON.stringify(group)}`);
  return model;
}

/** Groups whose solutions are checked. */
const MOST_GROUPS = 1000;

function* someOf<Key, Value>(map: ReadonlyMap<Key, Value>): Generator<[Key, Value], void, void> {
  const step = Math.ceil(map.size / MOST_GROUPS);
  let i = 0;
  for (const entry of map) if (i++ % step === 0) yield entry;
}

/** Whether a file looks like a model rather than a table: its first character is a brace. */
export async function isModelFile(path: string): Promise<boolean> {
  if (path === "-") return false;
  let file: FileHandle;
  try {
    // What comes through a pipe can be read once, and is read as data.
    if (!(await stat(path)).isFile()) return false;
    file = await open(path);
  } catch {
    // Who reads it next says what is wrong.
    return false;
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString("utf8", 0, bytesRead).trimStart().startsWith("{");
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
