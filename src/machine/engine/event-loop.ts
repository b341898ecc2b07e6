/**
 * Calls a function once the event loop has turned. In pages, which have no `setImmediate`, a message does that: timers, when
 * they follow each other, wait for 4 ms each.
 */
export function afterTurn(go: () => void): void {
  if (typeof globalThis.setImmediate === "function") {
    setImmediate(go);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  const heard = () => {
    port1.close();
    go();
  };
  (port1 as unknown as EventTarget).addEventListener("message", heard, { once: true });
  port1.start();
  port2.postMessage(undefined);
}
