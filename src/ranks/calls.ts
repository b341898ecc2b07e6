import type * as Grpc from "@grpc/grpc-js";
import { UsageError } from "../errors.js";
import type { RankTls } from "./tls.js";

/** Both ends of a call's stream look alike. */
export type Call = Grpc.ClientDuplexStream<Buffer, Buffer> | ServerCall;

export type ServerCall = Grpc.ServerDuplexStream<Buffer, Buffer>;

export type GrpcModule = typeof Grpc;

/** @grpc/grpc-js is an optional peer, loaded here. @throws UsageError where it is not installed */
export async function loadGrpc(): Promise<GrpcModule> {
  return import("@grpc/grpc-js").catch((cause: unknown) => {
    throw new UsageError("ranks need the package @grpc/grpc-js", {
      hint: "npm install @grpc/grpc-js",
      cause,
    });
  });
}

/** What a rank that has no room lets others send: some pieces, so that a stream does not wait for every round trip. */
const WINDOW = 4 << 20;

const CHANNEL = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  "grpc-node.flow_control_window": WINDOW,
  "grpc.use_local_subchannel_pool": 1,
};

const SERVICE = "/goml.ranks.v1.Ranks";
const same = (bytes: Buffer) => bytes;

function credentialsOf(grpc: GrpcModule, tls: RankTls | undefined) {
  if (tls === undefined)
    return {
      server: grpc.ServerCredentials.createInsecure(),
      client: grpc.credentials.createInsecure(),
    };
  const [cert, key, ca] = [tls.cert, tls.key, tls.ca].map((bytes) => Buffer.from(bytes)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  return {
    server: grpc.ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true),
    client: grpc.credentials.createSsl(ca, key, cert),
  };
}

/** A server of both calls, that listens. @throws UsageError where it cannot */
export async function listen(
  grpc: GrpcModule,
  { host, port, tls }: { host: string; port: number; tls: RankTls | undefined },
  handlers: { control(call: ServerCall): void; pieces(call: ServerCall): void },
): Promise<{ server: Grpc.Server; port: number }> {
  const server = new grpc.Server(CHANNEL);
  const method = (name: string) => ({
    path: `${SERVICE}/${name}`,
    requestStream: true as const,
    responseStream: true as const,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  });
  server.addService({ Control: method("Control"), Pieces: method("Pieces") }, {
    Control: handlers.control,
    Pieces: handlers.pieces,
  } as never);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(spelled(host, port), credentialsOf(grpc, tls).server, (cause, at) => {
      if (!cause) resolve(at);
      else
        reject(
          new UsageError(`a rank cannot listen on ${spelled(host, port)}: ${cause.message}`, {
            hint: "another job may use that port: name another",
            cause,
          }),
        );
    });
  });
  return { server, port: bound };
}

/** A connection to a rank, for both calls. */
export class Caller {
  private readonly grpc: GrpcModule;
  private readonly client: Grpc.Client;
  private readonly token: string | undefined;

  constructor(
    grpc: GrpcModule,
    {
      host,
      port,
      tls,
      token,
    }: { host: string; port: number; tls: RankTls | undefined; token: string | undefined },
  ) {
    this.grpc = grpc;
    this.token = token;
    const options =
      tls?.name === undefined ? CHANNEL : { ...CHANNEL, "grpc.ssl_target_name_override": tls.name };
    this.client = new grpc.Client(spelled(host, port), credentialsOf(grpc, tls).client, options);
  }

  /** @throws where it cannot be reached by then */
  ready(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.client.waitForReady(Date.now() + ms, (error) => (error ? reject(error) : resolve()));
    });
  }

  call(name: "Control" | "Pieces", more: Readonly<Record<string, string>> = {}): Call {
    const metadata = new this.grpc.Metadata();
    if (this.token !== undefined) metadata.set("authorization", `Bearer ${this.token}`);
    for (const [key, value] of Object.entries(more)) metadata.set(key, value);
    return this.client.makeBidiStreamRequest(`${SERVICE}/${name}`, same, same, metadata);
  }

  close(): void {
    this.client.close();
  }
}

/** host:port, an IPv6 address in brackets. */
function spelled(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
