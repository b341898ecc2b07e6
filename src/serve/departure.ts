import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The requests of each connection that are not over. (Of HTTP/2 each stream has a socket of its own, which is not to be written to.) */
const connections = new WeakMap<Socket, Departure[]>();
// Kept at the response: to put it into a weak map and to take it out again costs half a microsecond of every request.
const DEPARTURE = Symbol("departure");
type Leaving = ServerResponse & { [DEPARTURE]?: Departure | undefined };

/** What waits for the end of one request. */
class Departure {
  readonly callbacks: (() => void)[] = [];
  private done = false;

  constructor(
    private readonly response: Leaving,
    private readonly group: Departure[],
  ) {}

  readonly over = (): void => {
    if (this.done) return;
    this.done = true;
    this.group.splice(this.group.indexOf(this), 1);
    this.response[DEPARTURE] = undefined;
    for (const callback of this.callbacks) callback();
  };
}

/**
 * Calls `callback` once, when a request is over: its answer has been sent or given up, or its connection is gone,
 * whichever comes first; later than this call in any case.
 *
 * The connection has to be listened to as well, because an answer that waits for another one before it (pipelined
 * requests) has no connection yet, and Node never closes it where the connection ends before its turn. One listener per
 * connection, however many requests it carries.
 *
 * @returns a function after which the callback is not called any more
 */
export function whenOver({ socket }: IncomingMessage, response: Leaving, callback: () => void): () => void {
  let departure = response[DEPARTURE];
  if (departure === undefined) {
    const group = groupOf(socket);
    departure = new Departure(response, group);
    response[DEPARTURE] = departure;
    response.once("close", departure.over);
    group.push(departure);
    if (socket.closed || response.closed) queueMicrotask(departure.over);
  }
  const { callbacks } = departure;
  callbacks.push(callback);
  return () => {
    const at = callbacks.indexOf(callback);
    if (at >= 0) callbacks.splice(at, 1);
  };
}

/** The requests of a connection that are not over. */
function groupOf(socket: Socket): Departure[] {
  const known = connections.get(socket);
  if (known !== undefined) return known;
  const group: Departure[] = [];
  connections.set(socket, group);
  socket.once("close", () => {
    for (const departure of [...group]) departure.over();
  });
  return group;
}

/** Whether a connection has a request that is not over. */
export function hasRequests(socket: Socket): boolean {
  return (connections.get(socket)?.length ?? 0) > 0;
}
