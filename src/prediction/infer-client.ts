import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { DataError, InterruptedError, ModelError, UsageError } from "../errors.js";

/** A column that a remote model asks for. */
export interface RemoteInput {
  readonly name: string;
  /** Whether it is text (BYTES) and not a number. */
  readonly text: boolean;
}

/** What a server says of a model. */
export interface RemoteModel {
  readonly inputs: readonly RemoteInput[];
  readonly output: string;
}

interface ClientOptions {
  token: string | undefined;
  tries: number | undefined;
  sockets: number;
  signal: AbortSignal | undefined;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** A kept connection that the server closes just as it is used again says no more than "send it anew". */
const CONNECTION_LOST = new Set(["ECONNRESET", "EPIPE"]);

/** Talks to one model of a server of the Open Inference Protocol with the binary tensor extension. */
export class InferClient {
  /** Requests that were sent again. */
  retries = 0;
  private readonly url: URL;
  private readonly agent: Agent;
  private readonly options: ClientOptions;
  private readonly stopped = new AbortController();

  /** @throws UsageError where `url` is not that of a model: http://host:port/v2/models/NAME[/versions/VERSION] */
  constructor(url: string, options: ClientOptions) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const path = parsed?.pathname.replace(/\/+$/, "").replace(/\/infer$/, "");
    if (
      parsed === undefined ||
      !/^https?:$/.test(parsed.protocol) ||
      !/\/v2\/models\/[^/]+(\/versions\/[^/]+)?$/.test(path!)
    )
      throw new UsageError(`${JSON.stringify(url)} is not the URL of a model`, {
        hint: "expected http://host:port/v2/models/NAME",
      });
    parsed.pathname = path!;
    this.url = parsed;
    this.options = options;
    const keep = { keepAlive: true, maxSockets: options.sockets };
    this.agent = parsed.protocol === "https:" ? new SecureAgent(keep) : new Agent(keep);
  }

  /** The model's inputs and output, from its metadata. */
  async model(): Promise<RemoteModel> {
    const { body } = await this.ask("GET", "", undefined, {});
    const strange = (what: string) =>
      new ModelError(`${this.url.href}: ${what}`, {
        hint: "expected a server of the Open Inference Protocol",
      });
    let document: { inputs?: unknown; outputs?: unknown };
    try {
      document = JSON.parse(body.toString());
    } catch (cause) {
      throw strange(`the model's metadata are not JSON (${(cause as Error).message})`);
    }
    const { inputs, outputs } = document;
    if (!Array.isArray(inputs) || !Array.isArray(outputs) || typeof outputs[0]?.name !== "string")
      throw strange("the model's metadata have no inputs and outputs");
    return {
      inputs: inputs.map(({ name, datatype }) => ({ name, text: datatype === "BYTES" })),
      output: outputs[0].name,
    };
  }

  /** The predictions of a batch. @throws DataError where the server refuses it */
  async infer(body: Buffer, headerLength: number, rows: number, output: string): Promise<Float64Array> {
    const answer = await this.ask("POST", "/infer", body, {
      "inference-header-content-length": String(headerLength),
      "content-type": "application/octet-stream",
    });
    const from = Number(answer.headers["inference-header-content-length"] ?? Number.NaN);
    const wrong = (what: string) =>
      new DataError(`the server's answer ${what}`, { place: { file: this.url.href } });
    if (!Number.isInteger(from)) throw wrong("has no binary data");
    const { outputs } = JSON.parse(answer.body.toString("utf8", 0, from));
    if (outputs?.[0]?.name !== output || outputs[0].datatype !== "FP64")
      throw wrong(`has no output "${output}" of FP64`);
    const bytes = answer.body.subarray(from);
    if (bytes.length !== 8 * rows) throw wrong(`has ${bytes.length} bytes for ${rows} rows`);
    return new Float64Array(new Uint8Array(bytes).buffer);
  }

  /** Ends what is under way, and the connections. */
  close(): void {
    this.stopped.abort();
    this.agent.destroy();
  }

  private async ask(
    method: string,
    path: string,
    body: Buffer | undefined,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const { tries = 10, signal } = this.options;
    for (let attempt = 1; ; attempt++) {
      if (signal?.aborted) throw new InterruptedError();
      let wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
      try {
        const answer = await this.send(method, path, body, headers);
        if (answer.status === 200) return answer;
        if (answer.status !== 503 || attempt >= tries) throw this.refusal(answer);
        const asked = Number(answer.headers["retry-after"] ?? Number.NaN) * 1000;
        if (asked >= 0) wait = Math.min(LONGEST_WAIT_MS, Math.max(wait, asked));
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "";
        if (error instanceof DataError || error instanceof ModelError) throw error;
        if (!CONNECTION_LOST.has(code) || attempt >= tries) throw this.unreachable(error, code);
      }
      this.retries++;
      await sleep(wait, undefined, { signal: this.stopped.signal }).catch(() => {});
    }
  }

  private send(
    method: string,
    path: string,
    body: Buffer | undefined,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const { token, signal } = this.options;
    const url = new URL(this.url);
    url.pathname += path;
    return new Promise((resolve, reject) => {
      const sending = (url.protocol === "https:" ? secureRequest : request)(
        url,
        {
          method,
          agent: this.agent,
          signal,
          headers: {
            ...headers,
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { "content-length": body.length }),
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () =>
            resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
        },
      );
      // A server that refuses a large body may close the connection while it is still being sent; what it
      // answered then still counts.
      sending.on("error", reject);
      sending.end(body);
    });
  }

  private refusal({ status, body }: Answer): DataError | ModelError {
    let reason = body.toString().slice(0, 300);
    try {
      reason = String(JSON.parse(body.toString()).error ?? reason);
    } catch {
      // Some other server's page; its beginning has to do.
    }
    const message = `the server answered ${status}: ${reason.replace(/\s+/g, " ")}`;
    if (status === 404) return new ModelError(message, { hint: `asked for ${this.url.href}` });
    if (status === 401) return new ModelError(message, { hint: "set GOML_TOKEN to the server's token" });
    return new DataError(
      message,
      status === 503 ? { hint: "the server has too much to do; try again later" } : {},
    );
  }

  private unreachable(error: unknown, code: string): unknown {
    if (this.options.signal?.aborted) return new InterruptedError();
    if (code === "") return error;
    const reasons: Record<string, string> = {
      ECONNREFUSED: "nobody listens there",
      ENOTFOUND: "no such host",
      ECONNRESET: "the connection was closed",
      ETIMEDOUT: "no answer",
    };
    return new DataError(`cannot be reached: ${reasons[code] ?? code}`, {
      place: { file: this.url.href },
      hint: "start it with goml serve",
      cause: error,
    });
  }
}
