import type { Server, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { FastifyBaseLogger } from "fastify";
import { UsageError } from "../errors.js";
import { version } from "../version.js";
import {
  inferResponse,
  modelResponse,
  readInfer,
  readNamed,
  serverResponse,
  truthResponse,
} from "./grpc-messages.js";
import type { Asker } from "./inference.js";
import { RequestError } from "./request-error.js";
import { OUTPUT } from "./served-model.js";
import type { Service } from "./service.js";

/** A server of the Open Inference Protocol over gRPC, beside that over REST. */
export interface GrpcServer {
  readonly port: number;
  /** Answers what is under way, takes nothing more. */
  close(): Promise<void>;
  /** Ends what is left. */
  cut(): void;
}

/** Codes of gRPC by those of HTTP that the service's errors have; others are `INTERNAL`. */
const CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  404: 5,
  408: 4,
  413: 8,
  415: 3,
  499: 1,
  503: 14,
};
const INTERNAL = 13;

/** Methods that answer without a token, as REST's health checks. */
const OPEN = new Set(["ServerLive", "ServerReady"]);

/** What a method gives, and what is said of it when it is over. */
interface Outcome {
  bytes: Uint8Array;
  model?: string;
  rows?: number;
}

type Call = ServerUnaryCall<Buffer, Uint8Array>;
type Method = (call: Call, log: FastifyBaseLogger) => Outcome | Promise<Outcome>;

/**
 * Serves the protocol's six methods at a port: the models, threads, limits, tokens, metrics and log of REST. @grpc/grpc-js is an
 * optional peer, loaded here.
 *
 * @throws UsageError where it is not installed
 */
export async function serveGrpc(
  service: Service,
  { host, port }: { host: string; port: number },
  log: FastifyBaseLogger,
): Promise<GrpcServer> {
  const grpc = await import("@grpc/grpc-js").catch((cause: unknown) => {
    throw new UsageError("gRPC needs the package @grpc/grpc-js", {
      hint: "npm install @grpc/grpc-js",
      cause,
    });
  });
  const server: Server = new grpc.Server({
    "grpc.max_receive_message_length": service.settings.bodyLimit,
    "grpc.max_send_message_length": -1,
  });
  const methods = methodsOf(service);
  const definition = Object.fromEntries(
    Object.keys(methods).map((name) => [
      name,
      {
        path: `/inference.GRPCInferenceService/${name}`,
        requestStream: false as const,
        responseStream: false as const,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: ({ buffer, byteOffset, byteLength }: Uint8Array) =>
          Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    ]),
  );
  const handlers = Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [
      name,
      (call: Call, done: sendUnaryData<Uint8Array>) => {
        void answerCall(service, { name, method, log }, call, done);
      },
    ]),
  );
  server.addService(definition, handlers as never);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${host.includes(":") ? `[${host}]` : host}:${port}`,
      grpc.ServerCredentials.createInsecure(),
      (cause, at) =>
        cause
          ? reject(
              new UsageError(`cannot listen for gRPC on ${host}:${port}: ${cause.message}`, {
                hint: "choose another port",
                cause,
              }),
            )
          : resolve(at),
    );
  });
  return {
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
      }),
    cut: () => server.forceShutdown(),
  };
}

/** Answers one call, counts it and writes its line of log. */
async function answerCall(
  service: Service,
  { name, method, log }: { name: string; method: Method; log: FastifyBaseLogger },
  call: Call,
  done: sendUnaryData<Uint8Array>,
): Promise<void> {
  const started = performance.now();
  let status = 200;
  let outcome: Outcome | undefined;
  try {
    const [authorization] = call.metadata.get("authorization");
    if (service.tokens.required && !OPEN.has(name) && !service.tokens.accepts(authorization?.toString()))
      throw new RequestError(401, "a bearer token is needed: authorization: Bearer TOKEN");
    outcome = await method(call, log);
    done(null, outcome.bytes);
  } catch (error) {
    status = error instanceof RequestError ? error.status : 500;
    if (status === 500) log.error({ err: error, method: name }, "a gRPC call failed");
    const details = status === 500 ? "internal error" : (error as Error).message;
    done({ code: CODES[status] ?? INTERNAL, details });
  }
  const ms = performance.now() - started;
  const { model = "", rows = 0 } = outcome ?? {};
  service.metrics.count({ endpoint: `grpc ${name}`, model, status, seconds: ms / 1000, rows });
  const level = status >= 500 ? "error" : name !== "ModelInfer" && status === 200 ? "debug" : "info";
  log[level]({ method: "gRPC", url: name, status, ms: Math.round(ms * 1000) / 1000, model, rows }, "request");
}

function methodsOf(service: Service): Record<string, Method> {
  const { repository } = service;
  return {
    ServerLive: () => ({ bytes: truthResponse(true) }),
    ServerReady: () => ({ bytes: truthResponse(service.ready) }),
    ModelReady: ({ request }) => {
      const { name, version: asked } = readNamed(request);
      repository.find(name, asked);
      return { bytes: truthResponse(service.ready), model: name };
    },
    ServerMetadata: () => ({ bytes: serverResponse({ name: "goml", version, extensions: [] }) }),
    ModelMetadata: ({ request }) => {
      const { name, version: asked } = readNamed(request);
      const { model } = repository.entry(name, asked);
      const network = model.kind === "network";
      const bytes = modelResponse({
        name,
        versions: repository.versions(name),
        platform: network ? "goml_onnx" : "goml",
        inputs: service.inputs(model),
        outputs: network ? model.outputs : [{ name: OUTPUT, datatype: "FP64", shape: [-1] }],
      });
      return { bytes, model: name };
    },
    ModelInfer: async (call, log) => {
      const {
        name,
        version: asked,
        body,
        headerLength,
        raw,
      } = readInfer(call.request, service.settings.jsonLimit);
      const model = repository.find(name, asked);
      const client = call.getPeer().replace(/^ipv[46]:/, "");
      const found = await service.answerWhole(model, { body, headerLength }, client, askerOf(call, log));
      return { bytes: inferResponse(found, raw), model: name, rows: found.rows };
    },
  };
}

/** Who called, as a thread that works for the call has to know. */
function askerOf(call: Call, log: FastifyBaseLogger): Asker {
  return {
    get gone() {
      return call.cancelled;
    },
    whenOver(then) {
      call.once("cancelled", then);
      return () => call.off("cancelled", then);
    },
    retried: (error) => log.warn({ err: error }, "a worker thread died; its request is tried once more"),
  };
}
