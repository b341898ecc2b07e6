import { fastify } from "fastify";
import { expect, test } from "vitest";
import {
  DataError,
  type ErrorKind,
  GateError,
  GomlError,
  InterruptedError,
  ModelError,
  UsageError,
} from "../../src/errors.js";
import { replyWithError } from "../../src/serve/error-reply.js";
import { RequestError } from "../../src/serve/request-error.js";
import { option, wording } from "../../src/wording.js";

const hint = wording`see ${option("na")}`;
const cases: [kind: ErrorKind | "request" | "none", error: Error, status: number, message: string][] = [
  ["usage", new UsageError(wording`no ${option("unseen")}`, { hint }), 400, "no `unseen`"],
  ["data", new DataError("expected a number", { place: { row: 1 }, hint }), 400, "row 2: expected a number"],
  ["model", new ModelError("the model is singular"), 500, "the model is singular"],
  ["gate", new GateError("too large"), 500, "too large"],
  ["interrupted", new InterruptedError(), 503, "interrupted"],
  ["internal", new GomlError("internal", "a thread ended"), 500, "a thread ended"],
  ["request", new RequestError(413, "too long"), 413, "too long"],
  ["none", new TypeError("undefined is no function"), 500, "internal error"],
];

test.each(cases)(
  "an error of kind %s has its status, and neither hint nor stack",
  async (_, error, status, message) => {
    const app = fastify();
    app.setErrorHandler<Error>((thrown, request, reply) =>
      replyWithError(thrown, request, reply, { retryAfter: 3, linger: 1000 }),
    );
    app.get("/", () => Promise.reject(error));
    const answer = await app.inject("/");
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toEqual({ error: message });
    expect(answer.headers["retry-after"]).toBe(status === 503 ? "3" : undefined);
    await app.close();
  },
);
