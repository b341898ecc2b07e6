import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What waits for the end of one request. */
class Departure {
  readonly callbacks: (() => void)[] = [];
  private done = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly group: Set<Departure>,
  ) {}

  readonly over = (): void => {
    if (this.done) return;
    this.done = true;
    this.group.delete(this);
    departures.delete(this.response);
    for (const callback of this.callbacks) callback();
  };
}

/** The requests of each connection that are not over: one listener per connection, however many it carries. */
const connections = new WeakMap<Socket, Set<Departure>>();
const departures = new WeakMap<ServerResponse, Departure>();

/**
 * Calls `callback` once, when a request is over: its answer has been sent or given up, or its connection is gone,
 * whichever comes first; later than this call in any case.
 *
 * The connection has to be listened to as well, because an answer that waits for another one before it (pipelined
 * requests) has no connection yet, and Node never closes it where the connection ends before its turn.
 *
 * @returns a function after which the callback is not called any more
 */
export function whenOver(
  { socket }: IncomingMessage,
  response: ServerResponse,
  callback: () => void,
): () => void {
  let departure = departures.get(response);
  if (departure === undefined) {
    departure = new Departure(response, groupOf(socket));
    departures.set(response, departure);
    response.once("close", departure.over);
    connections.get(socket)!.add(departure);
    if (socket.closed || response.closed) queueMicrotask(departure.over);
  }
  const { callbacks } = departure;
  callbacks.push(callback);
  return () => {
    const at = callbacks.indexOf(callback);
    if (at >= 0) callbacks.splice(at, 1);
  };
}

function groupOf(socket: Socket): Set<Departure> {
  const known = connections.get(socket);
  if (known !== undefined) return known;
  const group = new Set<Departure>();
  connections.set(socket, group);
  socket.once("close", () => {
    for (const departure of [...group]) departure.over();
  });
  return group;
}

/** Whether a connection has a request that is not over. */
export function hasRequests(socket: Socket): boolean {
  return (connections.get(socket)?.size ?? 0) > 0;
}
