import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { Dialect } from "./answer.js";
import { askable } from "./askable.js";
import { Inference } from "./inference.js";
import { Metrics } from "./metrics.js";
import { type ServeModels, type ServeOptions, type Settings, settingsOf } from "./options.js";
import { Repository } from "./repository.js";
import { quoted, RequestError } from "./request-error.js";
import type { ServedModel } from "./served-model.js";

/** What is known of a request when it has ended, for the log and the metrics. */
export interface RequestNotes {
  model: string;
  rows: number;
}

/** All that the routes share: the models, how they are asked, what is counted, and whether more is taken in. */
export class Service {
  readonly settings: Settings;
  readonly repository: Repository;
  readonly metrics: Metrics;
  private readonly inference: Inference;
  private readonly notes = new WeakMap<FastifyRequest, RequestNotes>();
  private readonly models: ServeModels;
  private state: "starting" | "open" | "draining" = "starting";
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(models: ServeModels, options: ServeOptions) {
    this.settings = settingsOf(options);
    this.models = models;
    this.inference = new Inference(this.settings);
    this.repository = new Repository(this.inference.load);
    this.metrics = new Metrics(this.inference, this.repository);
  }

  /** Whether requests should be sent here: the models are loaded and the server is not about to stop. */
  get ready(): boolean {
    return this.state === "open";
  }

  get draining(): boolean {
    return this.state === "draining";
  }

  /** The number of inference requests in the house. */
  get active(): number {
    return this.inference.admission.requests;
  }

  /** Loads the models, and from then on looks after their files. */
  async open(log: FastifyBaseLogger): Promise<void> {
    await this.repository.open(this.models);
    this.state = "open";
    for (const { model, file } of this.repository.entries())
      log.info(
        { model: model.name, version: model.version, inputs: askable(model).inputs.length, file },
        "model loaded",
      );
    if (this.settings.reloadInterval > 0) this.watch(log);
  }

  /** Says "not ready" from now on; requests are still answered. */
  drain(): void {
    this.state = "draining";
  }

  async respond(
    request: FastifyRequest,
    reply: FastifyReply,
    model: ServedModel,
    dialect: Dialect,
  ): Promise<void> {
    const encoding = request.headers["content-encoding"] ?? "identity";
    if (encoding !== "identity")
      throw new RequestError(415, `content encoding ${quoted(encoding)} is not supported, send it as it is`);
    const notes = { model: model.name, rows: 0 };
    this.notes.set(request, notes);
    notes.rows = await this.inference.respond(request, reply, model, dialect);
  }

  notesOf(request: FastifyRequest): RequestNotes | undefined {
    return this.notes.get(request);
  }

  async close(): Promise<void> {
    this.drain();
    this.closed = true;
    clearTimeout(this.timer);
    this.metrics.close();
    await this.inference.close();
  }

  private watch(log: FastifyBaseLogger): void {
    this.timer = setTimeout(async () => {
      try {
        await this.repository.refresh(({ model, file, problem }, result) => {
          if (this.closed) return;
          this.metrics.countReload(model.name, result);
          const fields = { model: model.name, version: model.version, file };
          if (result === "loaded") log.info(fields, "model loaded anew");
          else log.error({ ...fields, problem }, "model file not taken over; what was served before stays");
        });
      } catch (error) {
        if (!this.closed) log.error({ err: error }, "looking after the model files failed");
      }
      if (!this.closed) this.watch(log);
    }, this.settings.reloadInterval).unref();
  }
}
