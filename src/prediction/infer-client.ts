import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { DataError, InterruptedError, ModelError, quoteCell, UsageError } from "../errors.js";
import { option, wording } from "../wording.js";

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
  /** Milliseconds from a request's start to the end of its answer; each try has as many. */
  timeout: number | undefined;
  signal: AbortSignal | undefined;
}

type Json = Record<string, unknown>;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** An answer of more bytes than a question can have is not read to its end. */
const LARGEST_METADATA = 16 << 20;
const LARGEST_REFUSAL = 1 << 16;
/** Beside the predictions: the JSON before them. */
const LARGEST_HEADER = 1 << 20;

const DEFAULT_TIMEOUT_MS = 60_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** A kept connection that the server closes just as it is used again says no more than "send it anew". */
const CONNECTION_LOST = new Set(["ECONNRESET", "EPIPE"]);
/** One that is lost again and again says more. */
const LOST_TRIES = 4;

/** What goes into a header: a line of visible characters, and what Latin-1 has beyond ASCII. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

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
    if (!HEADER_VALUE.test(options.token ?? ""))
      throw new UsageError("the token has a character that no header can have, a line's end perhaps");
    parsed.pathname = path!;
    this.url = parsed;
    this.options = options;
    const keep = { keepAlive: true, maxSockets: options.sockets };
    this.agent = parsed.protocol === "https:" ? new SecureAgent(keep) : new Agent(keep);
  }

  /** The model's inputs and output, from its metadata. @throws DataError where the server's answer is none */
  async model(): Promise<RemoteModel> {
    const { body } = await this.ask("GET", "", undefined, {}, LARGEST_METADATA);
    const wrong = (what: string) => this.wrong(`the model's metadata ${what}`);
    const { inputs, outputs } = this.parsed(body, "the model's metadata are not JSON");
    if (!Array.isArray(inputs) || !Array.isArray(outputs)) throw wrong("have no inputs and outputs");
    const named = (list: readonly unknown[], what: string) =>
      list.map((one, i) => {
        const { name, datatype } = (one ?? {}) as Json;
        if (typeof name !== "string" || typeof datatype !== "string")
          throw wrong(`have ${what}[${i}] without a name and a datatype`);
        return { name, text: datatype === "BYTES" };
      });
    const columns = named(inputs, "inputs");
    const known = new Set<string>();
    const twice = columns.find(({ name }) => known.size === known.add(name).size);
    if (twice !== undefined) throw wrong(`have two inputs called ${quoteCell(twice.name)}`);
    const [output] = named(outputs, "outputs");
    if (output === undefined) throw wrong("have no outputs");
    return { inputs: columns, output: output.name };
  }

  /** The predictions of a batch. @throws DataError where the server refuses it, or answers something else */
  async infer(body: Buffer, headerLength: number, rows: number, output: string): Promise<Float64Array> {
    const headers = {
      "inference-header-content-length": String(headerLength),
      "content-type": "application/octet-stream",
    };
    const answer = await this.ask("POST", "/infer", body, headers, LARGEST_HEADER + 8 * rows);
    const from = Number(answer.headers["inference-header-content-length"] ?? Number.NaN);
    if (!Number.isInteger(from) || from < 0 || from > answer.body.length)
      throw this.wrong("the answer has no binary data");
    const { outputs } = this.parsed(answer.body.subarray(0, from), "the answer's header is not JSON");
    const first = (Array.isArray(outputs) ? outputs[0] : undefined) as Json | null | undefined;
    if (first?.name !== output || first.datatype !== "FP64")
      throw this.wrong(`the answer has no output ${quoteCell(output)} of FP64`);
    const bytes = answer.body.subarray(from);
    if (bytes.length !== 8 * rows) throw this.wrong(`the answer has ${bytes.length} bytes for ${rows} rows`);
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
    most: number,
  ): Promise<Answer> {
    const { tries = 10, signal } = this.options;
    for (let attempt = 1; ; attempt++) {
      if (signal?.aborted) throw new InterruptedError();
      let wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
      try {
        const answer = await this.send(method, path, body, headers, most);
        if (answer.status === 200) return answer;
        if (answer.status !== 503 || attempt >= tries) throw this.refusal(answer);
        const asked = Number(answer.headers["retry-after"] ?? Number.NaN) * 1000;
        if (asked >= 0) wait = Math.min(LONGEST_WAIT_MS, Math.max(wait, asked));
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "";
        if (error instanceof DataError || error instanceof ModelError || this.stopped.signal.aborted)
          throw error;
        const most = Math.min(tries, LOST_TRIES);
        if (!CONNECTION_LOST.has(code) || attempt >= most) throw this.unreachable(error, code);
      }
      this.retries++;
      const stop =
        signal === undefined ? this.stopped.signal : AbortSignal.any([signal, this.stopped.signal]);
      await sleep(wait, undefined, { signal: stop }).catch(() => {});
    }
  }

  private send(
    method: string,
    path: string,
    body: Buffer | undefined,
    headers: Record<string, string>,
    most: number,
  ): Promise<Answer> {
    const { token, signal, timeout = DEFAULT_TIMEOUT_MS } = this.options;
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
          const bound = answer.statusCode === 200 ? most : LARGEST_REFUSAL;
          const chunks: Buffer[] = [];
          let length = 0;
          const end = () => {
            clearTimeout(timer);
            resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) });
          };
          answer.on("data", (chunk: Buffer) => {
            length += chunk.length;
            chunks.push(chunk);
            if (length <= bound) return;
            // Of a refusal the beginning will do.
            if (answer.statusCode === 200) fail(this.wrong(`the answer has more than ${bound} bytes`));
            else end();
            sending.destroy();
          });
          answer.on("error", fail);
          answer.on("end", end);
        },
      );
      const timer = setTimeout(() => {
        fail(
          new DataError(`no answer within ${timeout / 1000} s`, {
            place: { file: this.url.href },
            hint: wording`give it more time with ${option("timeout")}`,
          }),
        );
        sending.destroy();
      }, timeout);
      const fail = (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      };
      // A server that refuses a large body may close the connection while it is still being sent; what it
      // answered then still counts.
      sending.on("error", fail);
      sending.end(body);
    });
  }

  /** An answer that is not what the protocol has: the server's fault, said in one line. */
  private wrong(what: string, cause?: unknown): DataError {
    return new DataError(what, {
      place: { file: this.url.href },
      hint: "expected a server of the Open Inference Protocol with binary tensors",
      cause,
    });
  }

  private parsed(bytes: Uint8Array, otherwise: string): Json {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(bytes).toString());
    } catch (cause) {
      throw this.wrong(otherwise, cause);
    }
    if (typeof value !== "object" || value === null) throw this.wrong(otherwise);
    return value as Json;
  }

  private refusal({ status, body }: Answer): DataError | ModelError {
    let reason: unknown = body.toString();
    try {
      const { error } = JSON.parse(body.toString()) ?? {};
      if (typeof error === "string") reason = error;
    } catch {
      // Some other server's page; its beginning has to do.
    }
    const message = `the server answered ${status}: ${oneLine(String(reason))}`;
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
    // Node's parser of HTTP: what came back is something else, or what no answer should have.
    if (code.startsWith("HPE_"))
      return this.wrong(
        code === "HPE_HEADER_OVERFLOW" ? "the answer's headers are too large" : "the answer is not HTTP",
        error,
      );
    const reasons: Record<string, string> = {
      ECONNREFUSED: "nobody listens there",
      ENOTFOUND: "no such host",
      ECONNRESET: "the connection was closed",
      ETIMEDOUT: "no answer",
      EPROTO: "it does not speak TLS",
      EHOSTUNREACH: "no way leads there",
      ENETUNREACH: "no way leads there",
      EAI_AGAIN: "its name cannot be looked up now",
    };
    return new DataError(`cannot be reached: ${reasons[code] ?? code}`, {
      place: { file: this.url.href },
      hint: "start it with goml serve",
      cause: error,
    });
  }
}

/** A server's words: a line of them, without what a terminal would take for commands. */
function oneLine(text: string): string {
  return text
    .slice(0, 1000)
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, " ")
    .trim()
    .slice(0, 300);
}
