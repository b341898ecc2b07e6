import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";

import { Deliveries } from "./deliveries.js";
import { Inference } from "./inference.js";
import { Loader } from "./loader.js";
import { Metrics } from "./metrics.js";
import { type ServeModels, type ServeOptions, type Settings, settingsOf } from "./options.js";
import type { Dialect } from "./question.js";
import { type OnReload, Repository } from "./repository.js";
import { type LogRequest, logRequest } from "./request-log.js";
import type { NetworkTensor } from "./served.js";
import type { ServedModel } from "./served-model.js";
import { Tokens } from "./tokens.js";

/** What is known of a request when it has ended, for the log and the metrics. */
export interface RequestNotes {
  model: string;
  rows: number;
}

const NOTES = Symbol("notes");
type Noted = FastifyRequest & { [NOTES]?: RequestNotes };

/** All that the routes share: the models, how they are asked, what is counted, and whether more is taken in. */
export class Service {
  readonly settings: Settings;
  readonly repository: Repository;
  readonly metrics: Metrics;
  readonly tokens: Tokens;
  /** Writes the line of a request that is over. */
  logRequest: LogRequest = logRequest;
  /** The answers on their way. */
  readonly deliveries: Deliveries;
  private readonly inference: Inference;
  private readonly loader: Loader;
  private readonly models: ServeModels;
  private log: FastifyBaseLogger | undefined;
  private state: "starting" | "open" | "draining" = "starting";
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /** @param droppedLines lines of log that were not written so far */
  constructor(models: ServeModels, options: ServeOptions, droppedLines: () => number = () => 0) {
    this.settings = settingsOf(options);
    this.models = models;
    this.inference = new Inference(this.settings);
    this.tokens = new Tokens(this.settings.tokens, this.settings.tokenFile);
    this.loader = new Loader(this.settings);
    this.repository = new Repository(this.loader.load);
    const { leastRate, sendTimeout } = this.settings;
    this.deliveries = new Deliveries(leastRate, sendTimeout, (what) =>
      this.log?.warn({ taken: what }, "a client does not read its answers; its connection is ended"),
    );
    const { inference, repository, deliveries } = this;
    this.metrics = new Metrics({ inference, repository, droppedLines, slowReaders: () => deliveries.slow });
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

  /** What a model takes, as the protocol describes it. */
  inputs(model: ServedModel): readonly NetworkTensor[] {
    if (model.kind === "network") return model.inputs;
    const { inputs } = this.inference.models.of(model);
    return inputs.map(({ name, datatype }) => ({ name, datatype, shape: [-1, 1] }));
  }

  /** Loads the models, and from then on looks after their files. */
  async open(log: FastifyBaseLogger): Promise<void> {
    this.log = log;
    await this.tokens.refresh();
    await this.repository.open(this.models, this.reporter(log));
    this.loader.rest();
    this.state = "open";
    for (const { model, file } of this.repository.entries())
      log.info(
        { model: model.name, version: model.version, inputs: this.inputs(model).length, file },
        "model loaded",
      );
    if (this.settings.reloadInterval > 0) this.watch(log);
  }

  /** Says "not ready" from now on; requests are still answered. */
  drain(): void {
    this.state = "draining";
  }

  async respond(request: Noted, reply: FastifyReply, model: ServedModel, dialect: Dialect): Promise<void> {
    const notes = { model: model.name, rows: 0 };
    request[NOTES] = notes;
    notes.rows = await this.inference.respond(request, reply, model, dialect);
  }

  /** Answers a request that came whole, by another way than HTTP. */
  answerWhole(...question: Parameters<Inference["answerWhole"]>): ReturnType<Inference["answerWhole"]> {
    return this.inference.answerWhole(...question);
  }

  notesOf(request: Noted): RequestNotes | undefined {
    return request[NOTES];
  }

  async close(): Promise<void> {
    this.drain();
    this.closed = true;
    clearTimeout(this.timer);
    this.metrics.close();
    this.deliveries.close();
    await Promise.all([this.loader.close(), this.inference.close()]);
  }

  private watch(log: FastifyBaseLogger): void {
    this.timer = setTimeout(async () => {
      await this.look(log);
      if (!this.closed) this.watch(log);
    }, this.settings.reloadInterval).unref();
  }

  private async look(log: FastifyBaseLogger): Promise<void> {
    try {
      if (await this.tokens.refresh()) log.info({ file: this.settings.tokenFile }, "tokens read anew");
    } catch (error) {
      log.error({ problem: (error as Error).message }, "tokens not taken over; those before stay");
    }
    try {
      let loaded = false;
      const report = this.reporter(log);
      await this.repository.refresh((entry, result) => {
        loaded = true;
        if (!this.closed) report(entry, result);
      });
      if (loaded && !this.closed) this.loader.rest();
    } catch (error) {
      if (!this.closed) log.error({ err: error }, "looking after the model files failed");
    }
  }

  private reporter(log: FastifyBaseLogger): OnReload {
    return ({ model, file, problem, loadedAt }, result) => {
      this.metrics.countReload(model.name, result);
      const fields = { model: model.name, version: model.version, file };
      if (result === "loaded") log.info(fields, "model loaded anew");
      else if (loadedAt === 0) log.error({ ...fields, problem }, "model file not served");
      else log.error({ ...fields, problem }, "model file not taken over; what was served before stays");
    };
  }
}
