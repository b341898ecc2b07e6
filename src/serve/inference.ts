import type { FastifyReply, FastifyRequest } from "fastify";
import { builtFile } from "../files/built-file.js";
import { WorkerDiedError, WorkerPool } from "../parallel/worker-pool.js";
import { Admission, type Visit } from "./admission.js";
import { type Answer, answer, type Place, TooMuchHere } from "./answer.js";
import { Arrivals } from "./arrivals.js";
import { AskableModels } from "./askable.js";
import { announcedLength, type Body, isGzipped, receiveBody } from "./body.js";
import { workBytes } from "./cost.js";
import { sendInPieces } from "./deliveries.js";
import { whenOver } from "./departure.js";
import { collectGarbage } from "./garbage.js";
import type { Settings } from "./options.js";
import type { Dialect, Question } from "./question.js";
import { badRequest, quoted, RequestError } from "./request-error.js";
import { bodyOffset, copyToShared, type SharedBlock, SharedMemory } from "./request-memory.js";
import type { ServeJob, ServeReply } from "./serve-worker.js";
import type { ServedModel } from "./served-model.js";

/** How much large requests carry before a rest is due, and how long there must have been none. */
const REST_BYTES = 32 << 20;
const REST_MS = 3000;

/** What is answered on the event loop: as many numbers as take about a millisecond to write as JSON. */
const HERE: Place = { shared: false, mostNumbers: 1 << 13, checkpoint: () => {} };

/** Who asks, as far as an answer on a thread is concerned. */
export interface Asker {
  /** Whether nobody waits for the answer any more. */
  readonly gone: boolean;
  /** Calls back once that is so, or the answer is sent; gives what forgets it. */
  whenOver(then: () => void): () => void;
  /** Told where a thread died, and the question is put to another. */
  retried(error: unknown): void;
}

/**
 * Takes a request from its first byte to its answer: admits it, receives the body, answers it here where it is
 * small and on a worker thread where it is not, and gives everything up once the client has gone.
 */
export class Inference {
  readonly admission: Admission;
  /** The threads; others after a rest. */
  pool: WorkerPool<ServeJob, ServeReply>;
  /** The models made ready on this thread. */
  readonly models = new AskableModels();
  private readonly memory = new SharedMemory();
  private readonly arrivals: Arrivals;
  /** Bytes of large requests and answers since the last rest. */
  private carried = 0;
  private lastCarried = 0;
  private closed = false;
  private restTimer: NodeJS.Timeout | undefined;

  constructor(private readonly settings: Settings) {
    const { queueLimit, queueBytes, clientShare } = settings;
    this.admission = new Admission({ requests: queueLimit, bytes: queueBytes, share: clientShare });
    this.arrivals = new Arrivals(settings.leastRate);
    this.pool = this.newPool();
  }

  /** Answers a request and tells how many rows it had. @throws RequestError */
  async respond(
    request: FastifyRequest,
    reply: FastifyReply,
    model: ServedModel,
    dialect: Dialect,
  ): Promise<number> {
    const { settings, memory } = this;
    const { raw } = request;
    if (model.kind === "network" && dialect !== "infer")
      throw badRequest(
        `model ${quoted(model.name)} is an ONNX model: ask it by /v2/models/${encodeURIComponent(model.name)}/infer`,
      );
    const gzip = isGzipped(raw);
    const headerLength = dialect === "infer" ? headerLengthOf(request, gzip) : undefined;
    announcedLength(raw, settings.bodyLimit);
    const json = dialect === "invocations" || (dialect === "infer" && headerLength === undefined);
    const limit = json ? jsonLimit(raw, settings) : settings.bodyLimit;
    const visit = this.admission.enter(request.ip ?? "");
    let body: Body | undefined;
    let block: SharedBlock | undefined;
    // The request is in the house until nothing works on it and its answer, whose memory is held, is sent.
    let working = true;
    let over = false;
    whenOver(raw, reply.raw, () => {
      over = true;
      if (!working) visit.leave();
    });
    try {
      body = await receiveBody(raw, {
        limit,
        sharedFrom: this.sharedFrom(dialect, headerLength),
        headerLength: headerLength ?? 0,
        memory,
        visit,
        arrivals: this.arrivals,
      });
      block = body.block;
      const { unseen, answerLimit } = settings;
      let question: Question = { dialect, body: body.bytes, headerLength, unseen, answerLimit };
      let result: Answer | undefined;
      if (block === undefined) {
        const here = this.answerHere(model, question);
        result = here instanceof Promise ? await here : here;
        if (result === undefined) {
          block = memory.take(body.bytes.length);
          const bytes = new Uint8Array(block.memory, bodyOffset(headerLength ?? 0), body.bytes.length);
          copyToShared(bytes, 0, body.bytes);
          question = { ...question, body: bytes };
        }
      }
      result ??= await this.answerThere(model, question, block!, visit, askerOf(reply));
      this.send(reply, dialect, result);
      return result.rows;
    } catch (error) {
      over = true;
      throw error;
    } finally {
      if (block !== undefined) {
        memory.give(block);
        this.carry(model, block.memory.byteLength);
      }
      working = false;
      if (over) visit.leave();
    }
  }

  /**
   * Answers a request of the protocol that came whole, by another way than HTTP: admitted as others are, here where it is
   * small, on a thread where it is not.
   *
   * @throws RequestError
   */
  async answerWhole(
    model: ServedModel,
    { body, headerLength }: { body: Uint8Array; headerLength: number },
    client: string,
    asker: Asker,
  ): Promise<Answer> {
    const { memory } = this;
    const { unseen, answerLimit, bodyLimit } = this.settings;
    if (body.length > bodyLimit)
      throw new RequestError(413, `the request has ${body.length} bytes, the limit is ${bodyLimit}`);
    const visit = this.admission.enter(client);
    let block: SharedBlock | undefined;
    try {
      visit.grow(body.length);
      let question: Question = { dialect: "infer", body, headerLength, unseen, answerLimit };
      const small = body.length < this.sharedFrom("infer", headerLength);
      const result = small ? await this.answerHere(model, question) : undefined;
      if (result !== undefined) return result;
      block = memory.take(body.length);
      const bytes = new Uint8Array(block.memory, bodyOffset(headerLength), body.length);
      copyToShared(bytes, 0, body);
      question = { ...question, body: bytes };
      return await this.answerThere(model, question, block, visit, asker);
    } finally {
      if (block !== undefined) {
        memory.give(block);
        this.carry(model, block.memory.byteLength);
      }
      visit.leave();
    }
  }

  /** JSON is slow to read, however many bytes of binary data follow it. */
  private sharedFrom(dialect: Dialect, headerLength: number | undefined): number {
    const { json, csv, binary } = this.settings.inlineBytes;
    if (dialect === "csv") return csv;
    return headerLength === undefined || headerLength >= json ? json : binary;
  }

  /**
   * The answer to a small request, at once where it can be; undefined for one that turns out to be much work, and for
   * one to a network, of which nobody knows how much it is.
   */
  private answerHere(
    model: ServedModel,
    question: Question,
  ): Answer | Promise<Answer | undefined> | undefined {
    if (model.kind === "network") return undefined;
    const tooMuch = (error: unknown) => {
      if (error instanceof TooMuchHere) return undefined;
      throw error;
    };
    try {
      const result = answer(this.models.of(model), question, HERE);
      return result instanceof Promise ? result.catch(tooMuch) : result;
    } catch (error) {
      return tooMuch(error);
    }
  }

  /** The answer of a worker thread, with the bytes that it takes accounted for before and after. */
  private async answerThere(
    model: ServedModel,
    question: Question,
    block: SharedBlock,
    visit: Visit,
    asker: Asker,
  ): Promise<Answer> {
    const { dialect, body, headerLength } = question;
    visit.grow(workBytes(dialect, body, headerLength));
    const result = await this.askWorker(model, question, block.cancelled, asker);
    visit.settle(result.body.length);
    this.carry(model, result.body.length);
    return result;
  }

  /**
   * Notes large requests: what they leave behind is let go once there are no more of them for a while. Not those to
   * networks: a thread that has one ready is worth more than its memory.
   */
  private carry({ kind }: ServedModel, bytes: number): void {
    if (kind === "network") return;
    this.carried += bytes;
    this.lastCarried = performance.now();
    if (this.carried >= REST_BYTES) this.restTimer ??= setTimeout(() => this.rest(), REST_MS).unref();
  }

  /**
   * Gives memory back: that which bodies lay in, and the threads with their heaps, which a few large requests make
   * hundreds of megabytes larger than they will be needed again for a long time.
   */
  private rest(): void {
    this.restTimer = undefined;
    const left = REST_MS - (performance.now() - this.lastCarried);
    if (left > 0 || this.pool.pending > 0 || this.closed) {
      if (!this.closed) this.restTimer = setTimeout(() => this.rest(), Math.max(left, 100)).unref();
      return;
    }
    this.carried = 0;
    this.memory.clear();
    const old = this.pool;
    this.pool = this.newPool();
    void old.close().then(collectGarbage);
  }

  private newPool(): WorkerPool<ServeJob, ServeReply> {
    return new WorkerPool(builtFile("bundle/serve-worker.js"), {
      threads: this.settings.threads,
    });
  }

  /** Ends the threads and lets go of the memory. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.restTimer);
    this.memory.clear();
    await this.pool.close();
  }

  private async askWorker(
    model: ServedModel,
    question: Question,
    cancelled: Int32Array,
    asker: Asker,
  ): Promise<Answer> {
    const controller = new AbortController();
    const forget = asker.whenOver(() => {
      Atomics.store(cancelled, 0, 1);
      controller.abort(new RequestError(499, "the client has gone"));
    });
    try {
      if (asker.gone) throw new RequestError(499, "the client has gone");
      const job = { model, question, cancelled };
      const result = await this.runTwice(job, controller.signal, asker);
      if ("refused" in result) throw new RequestError(result.refused.status, result.refused.message);
      return result.answer;
    } finally {
      forget();
    }
  }

  /** The body lies in shared memory, so a job whose thread died can be given to another. */
  private async runTwice(job: ServeJob, signal: AbortSignal, asker: Asker): Promise<ServeReply> {
    try {
      return await this.pool.run(job, signal);
    } catch (error) {
      if (!(error instanceof WorkerDiedError) || signal.aborted) throw error;
      if ((error.cause as NodeJS.ErrnoException | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY")
        throw new RequestError(413, "the request takes more memory than a worker thread may have");
      asker.retried(error);
      return this.pool.run(job, signal);
    }
  }

  private send(reply: FastifyReply, dialect: Dialect, { body, headerLength }: Answer): void {
    if (headerLength !== undefined && dialect === "infer") {
      reply.header("inference-header-content-length", String(headerLength));
      reply.header("content-type", "application/octet-stream");
    } else reply.header("content-type", "application/json; charset=utf-8");
    sendInPieces(
      reply,
      typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    );
  }
}

/** The client of a reply over HTTP. */
function askerOf(reply: FastifyReply): Asker {
  return {
    get gone() {
      return reply.raw.destroyed;
    },
    whenOver: (then) => whenOver(reply.request.raw, reply.raw, then),
    retried: (error) =>
      reply.log.warn(
        { reqId: reply.request.id, err: error },
        "a worker thread died; its request is tried once more",
      ),
  };
}

/** The limit of a body that is JSON as a whole. @throws RequestError (413) where it is announced to be longer */
function jsonLimit({ headers }: FastifyRequest["raw"], { jsonLimit, bodyLimit }: Settings): number {
  const announced = Number(headers["content-length"] ?? 0);
  if (announced > jsonLimit)
    throw new RequestError(
      413,
      `the body has ${announced} bytes of JSON, the limit is ${jsonLimit}: send binary tensors or CSV, or smaller batches`,
    );
  return Math.min(jsonLimit, bodyLimit);
}

function headerLengthOf(request: FastifyRequest, gzip: boolean): number | undefined {
  const text = request.headers["inference-header-content-length"];
  if (text === undefined) return undefined;
  const length = typeof text === "string" && /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  // Of a compressed body it says where the JSON ends after the decompression.
  const announced = gzip ? undefined : request.headers["content-length"];
  if (Number.isNaN(length) || (announced !== undefined && length > Number(announced)))
    throw badRequest(
      `Inference-Header-Content-Length should be a number of bytes within the body, got ${quoted(text)}`,
    );
  return length;
}
