import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

const CHANNELS = ["net.server.socket", "net.client.socket"];

/**
 * The sockets of this process that are a group's, to be destroyed in the end: to shut down a connection waits for the other
 * side, and of a host that has vanished nothing comes, for a quarter of an hour. gRPC gives no hold of its sockets; Node
 * tells of all by `node:diagnostics_channel`.
 */
export class Sockets {
  private readonly open = new Set<Socket>();
  /** The ports of this process that ranks connect to, and those of others that it connects to. */
  private readonly own = new Set<number>();
  private readonly others = new Set<number>();

  private readonly take = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    const look = () => {
      const { localPort, remotePort } = socket;
      if (!this.own.has(localPort ?? -1) && !this.others.has(remotePort ?? -1)) return;
      this.open.add(socket);
      socket.once("close", () => this.open.delete(socket));
    };
    if (socket.connecting) socket.once("connect", look);
    else look();
  };

  constructor() {
    for (const name of CHANNELS) subscribe(name, this.take);
  }

  /** Connections to a port of this process are the group's. */
  listens(port: number): void {
    this.own.add(port);
  }

  /** Connections to a port of another are the group's. */
  calls(port: number): void {
    this.others.add(port);
  }

  destroy(): void {
    for (const name of CHANNELS) unsubscribe(name, this.take);
    for (const socket of this.open) socket.destroy();
  }
}
