import type { Bytes } from "./bytes.js";

/** The iterator of a stream that has ended. */
export const NOTHING: AsyncIterator<Uint8Array> = { next: async () => ({ done: true, value: undefined }) };

/** Pulls from a stream into `stash` until it holds `size` bytes or ends; returns those first bytes. */
export async function pull(
  iterator: AsyncIterator<Uint8Array>,
  stash: Uint8Array[],
  size: number,
): Promise<Uint8Array> {
  let have = 0;
  while (have < size) {
    const next = await iterator.next();
    if (next.done) break;
    stash.push(next.value);
    have += next.value.length;
  }
  return Buffer.concat(stash).subarray(0, size);
}

/** The first bytes, at least `size` of them where there are so many. */
export async function firstBytes(bytes: Bytes, size: number): Promise<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  const stash: Uint8Array[] = [];
  const head = await pull(iterator, stash, size);
  await iterator.return?.();
  return head;
}

/** The bytes of a stash, then those of the rest; `counter` has how many were read. */
export async function* prefixed(
  stash: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  counter: { read: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (const chunk of stash) {
      counter.read += chunk.length;
      yield chunk;
    }
    for (let next = await rest.next(); !next.done; next = await rest.next()) {
      counter.read += next.value.length;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

const SLICE = 1 << 18;

/** Copies, a piece at a time: what reads them need not know of shared memory. */
export async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let from = 0; from < bytes.length; from += SLICE)
    yield Uint8Array.prototype.slice.call(bytes, from, from + SLICE);
}
