import type { FastifyReply, FastifyRequest } from "fastify";
import { WorkerDiedError, WorkerPool } from "../parallel/worker-pool.js";
import { Admission } from "./admission.js";
import { type Answer, answer, type Dialect, type Question } from "./answer.js";
import { askable } from "./askable.js";
import { announcedLength, type Body, receiveBody } from "./body.js";
import type { Settings } from "./options.js";
import { badRequest, quoted, RequestError } from "./request-error.js";
import { SharedMemory } from "./request-memory.js";
import type { ServeJob, ServeReply } from "./serve-worker.js";
import type { ServedModel } from "./served-model.js";

/** An answer of more bytes than the system's buffers hold depends on the client's reading it. */
const LARGE_ANSWER = 1 << 16;

/**
 * Takes a request from its first byte to its answer: admits it, receives the body, answers it here where it is
 * small and on a worker thread where it is not, and gives everything up once the client has gone.
 */
export class Inference {
  readonly admission: Admission;
  readonly pool: WorkerPool<ServeJob, ServeReply>;
  private readonly memory = new SharedMemory();

  constructor(private readonly settings: Settings) {
    this.admission = new Admission(settings.queueLimit, settings.queueBytes);
    this.pool = new WorkerPool(new URL("../../dist/bundle/serve-worker.js", import.meta.url), {
      threads: settings.threads,
    });
  }

  /** Reads a model file on a worker thread. */
  readonly load = async (path: string, name: string, version: string): Promise<ServedModel> => {
    const reply = await this.pool.run({ load: path, name, version });
    if (!("model" in reply)) throw new Error("the worker gave another answer than a model");
    return reply.model;
  };

  /** Answers a request and tells how many rows it had. @throws RequestError */
  async respond(
    request: FastifyRequest,
    reply: FastifyReply,
    model: ServedModel,
    dialect: Dialect,
  ): Promise<number> {
    const { settings, memory } = this;
    const { raw } = request;
    const headerLength = dialect === "infer" ? headerLengthOf(request) : undefined;
    const visit = this.admission.enter(announcedLength(raw, settings.bodyLimit) ?? 0);
    const closed = new Promise<void>((resolve) => reply.raw.once("close", resolve));
    const { json, csv, binary } = settings.inlineBytes;
    let body: Body | undefined;
    try {
      body = await receiveBody(raw, {
        limit: settings.bodyLimit,
        sharedFrom: dialect === "csv" ? csv : headerLength === undefined ? json : binary,
        headerLength: headerLength ?? 0,
        memory,
        visit,
      });
      const question: Question = { dialect, body: body.bytes, headerLength, unseen: settings.unseen };
      const result =
        body.block === undefined
          ? answer(askable(model), question, false, () => {})
          : await this.askWorker(model, question, body.block.cancelled, reply);
      this.send(reply, dialect, result);
      return result.rows;
    } finally {
      if (body?.block !== undefined) memory.give(body.block);
      // The answer's memory is held until it is sent, so the request is in the house until then.
      closed.then(() => visit.leave());
    }
  }

  /** Ends the threads and lets go of the memory. */
  async close(): Promise<void> {
    this.memory.clear();
    await this.pool.close();
  }

  private async askWorker(
    model: ServedModel,
    question: Question,
    cancelled: Int32Array,
    reply: FastifyReply,
  ): Promise<Answer> {
    const controller = new AbortController();
    const onClose = () => {
      Atomics.store(cancelled, 0, 1);
      controller.abort(new RequestError(499, "the client has gone"));
    };
    reply.raw.once("close", onClose);
    try {
      if (reply.raw.destroyed) throw new RequestError(499, "the client has gone");
      const job = { model, question, cancelled };
      const result = await this.runTwice(job, controller.signal, reply);
      if ("refused" in result) throw new RequestError(result.refused.status, result.refused.message);
      if (!("answer" in result)) throw new Error("the worker gave another answer than a prediction");
      return result.answer;
    } finally {
      reply.raw.off("close", onClose);
    }
  }

  /** The body lies in shared memory, so a job whose thread died can be given to another. */
  private async runTwice(job: ServeJob, signal: AbortSignal, reply: FastifyReply): Promise<ServeReply> {
    try {
      return await this.pool.run(job, signal);
    } catch (error) {
      if (!(error instanceof WorkerDiedError) || signal.aborted) throw error;
      if ((error.cause as NodeJS.ErrnoException | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY")
        throw new RequestError(413, "the request takes more memory than a worker thread may have");
      reply.log.warn(
        { reqId: reply.request.id, err: error },
        "a worker thread died; its request is tried once more",
      );
      return this.pool.run(job, signal);
    }
  }

  private send(reply: FastifyReply, dialect: Dialect, { body, headerLength }: Answer): void {
    if (body.length >= LARGE_ANSWER)
      reply.raw.setTimeout(this.settings.sendTimeout, () => {
        reply.log.warn({ reqId: reply.request.id }, "the client does not read its answer");
        reply.raw.destroy();
      });
    if (headerLength !== undefined && dialect === "infer") {
      reply.header("inference-header-content-length", String(headerLength));
      reply.header("content-type", "application/octet-stream");
    } else reply.header("content-type", "application/json; charset=utf-8");
    if (typeof body === "string") reply.send(body);
    // Fastify takes bytes for bytes only where they are not shared, and else for something to write as JSON.
    else reply.serializer(asIs).send(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  }
}

const asIs = (body: unknown) => body as string;

function headerLengthOf(request: FastifyRequest): number | undefined {
  const text = request.headers["inference-header-content-length"];
  if (text === undefined) return undefined;
  const length = typeof text === "string" && /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  const announced = request.headers["content-length"];
  if (Number.isNaN(length) || (announced !== undefined && length > Number(announced)))
    throw badRequest(
      `Inference-Header-Content-Length should be a number of bytes within the body, got ${quoted(text)}`,
    );
  return length;
}
