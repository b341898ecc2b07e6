import type { FastifyInstance, FastifyReply } from "fastify";
import { version } from "../version.js";
import type { Entry } from "./repository.js";
import { OUTPUT } from "./served-model.js";
import type { Service } from "./service.js";

interface ModelParams {
  Params: { model: string; version?: string };
}

/** The routes of the Open Inference Protocol, version 2, over REST. */
export function inferRoutes(app: FastifyInstance, service: Service): void {
  const { repository } = service;
  const metadata = { name: "goml", version, extensions: ["binary_tensor_data"] };
  for (const url of ["/v2", "/v2/"]) app.get(url, async () => metadata);
  app.get("/v2/health/live", async () => ({ live: true }));
  app.get("/v2/health/ready", async (_request, reply) => {
    reply.code(service.ready ? 200 : 503);
    return { live: true, ready: service.ready };
  });
  app.get("/v2/models", async () => ({ models: repository.names() }));
  for (const base of ["/v2/models/:model", "/v2/models/:model/versions/:version"]) {
    app.get<ModelParams>(base, async ({ params }) =>
      modelMetadata(
        repository.entry(params.model, params.version),
        repository.versions(params.model),
        service,
      ),
    );
    app.get<ModelParams>(`${base}/ready`, async ({ params }, reply) => {
      const { name } = repository.find(params.model, params.version);
      reply.code(service.ready ? 200 : 503);
      return { name, ready: service.ready };
    });
    // It answers by the reply itself: a promise more would be a microsecond more.
    app.post<ModelParams>(`${base}/infer`, (request, reply) => {
      const { params } = request;
      const model = repository.find(params.model, params.version);
      service.respond(request, reply, model, "infer").catch((error: unknown) => fail(reply, error));
    });
  }
}

/** The protocol's model metadata; `parameters` adds what it has no place for. */
function modelMetadata({ model, problem }: Entry, versions: readonly string[], service: Service): object {
  const { name } = model;
  const inputs = service.inputs(model);
  if (model.kind === "network")
    return {
      name,
      versions,
      platform: "goml_onnx",
      inputs,
      outputs: model.outputs,
      parameters: { ...model.about, problem },
    };
  const intervals = [
    ...(model.intervals === undefined ? [] : ["prediction", "confidence"]),
    ...(model.conformal === undefined ? [] : ["conformal"]),
  ];
  return {
    name,
    versions,
    platform: "goml",
    inputs,
    outputs: [{ name: OUTPUT, datatype: "FP64", shape: [-1] }],
    parameters: { target: model.target, ...model.about, intervals, problem },
  };
}

/** Answers with an error; where that fails too, the connection ends. */
function fail(reply: FastifyReply, error: unknown): void {
  try {
    reply.send(error instanceof Error ? error : new Error(String(error)));
  } catch (failure) {
    reply.log.error({ err: failure }, "an error could not be answered");
    reply.raw.destroy();
  }
}
