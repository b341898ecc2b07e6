import { type BigData, type DType, isBig } from "../tensor.js";
import type { BinaryStrip, UnaryStrip } from "./strips.js";

type Formula<T> = (x: T, y: T) => T;

/** Of integers of up to 32 bits; what is stored is taken modulo the type's range. */
const ofNumbers: Partial<Record<string, Formula<number>>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  // Exact in the low 32 bits, where a product of doubles has 53 in all.
  mul: Math.imul,
  div: (x, y) => (y === 0 ? 0 : x / y),
  pow: (x, y) => x ** y,
  gt: (x, y) => Number(x > y),
  ge: (x, y) => Number(x >= y),
  lt: (x, y) => Number(x < y),
  le: (x, y) => Number(x <= y),
  eq: (x, y) => Number(x === y),
  ne: (x, y) => Number(x !== y),
};

const ofBigints: Partial<Record<string, Formula<bigint>>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => (y === 0n ? 0n : x / y),
  pow: (x, y) => (y < 0n ? (x === 1n ? 1n : 0n) : x ** y),
  gt: (x, y) => BigInt(x > y),
  ge: (x, y) => BigInt(x >= y),
  lt: (x, y) => BigInt(x < y),
  le: (x, y) => BigInt(x <= y),
  eq: (x, y) => BigInt(x === y),
  ne: (x, y) => BigInt(x !== y),
};

/**
 * The inner loop of a binary op on integers: quotients lose their fractions, x / 0 is 0, and what passes the type's
 * range is taken modulo it. Undefined for an op that integers do not have.
 */
export function integerBinary(name: string, dtype: DType): BinaryStrip | undefined {
  if (!isBig(dtype)) {
    const formula = ofNumbers[name];
    return (
      formula &&
      ((a, ai, as, b, bi, bs, out, o, n) => {
        for (let i = 0; i < n; i++) out[o + i] = formula(a[ai + i * as]!, b[bi + i * bs]!);
      })
    );
  }
  const formula = ofBigints[name];
  return (
    formula &&
    ((a, ai, as, b, bi, bs, out, o, n) => {
      const [x, y, z] = [a, b, out] as unknown as [BigData, BigData, BigData];
      for (let i = 0; i < n; i++) z[o + i] = formula(x[ai + i * as]!, y[bi + i * bs]!);
    })
  );
}

const unaryOfNumbers: Partial<Record<string, (x: number) => number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  square: (x) => Math.imul(x, x),
  relu: (x) => Math.max(x, 0),
};

const unaryOfBigints: Partial<Record<string, (x: bigint) => bigint>> = {
  neg: (x) => -x,
  abs: (x) => (x < 0n ? -x : x),
  sign: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n),
  square: (x) => x * x,
  relu: (x) => (x > 0n ? x : 0n),
};

/** As `integerBinary`, of one operand. */
export function integerUnary(name: string, dtype: DType): UnaryStrip | undefined {
  if (!isBig(dtype)) {
    const formula = unaryOfNumbers[name];
    return (
      formula &&
      ((a, out, from, to) => {
        for (let i = from; i < to; i++) out[i] = formula(a[i]!);
      })
    );
  }
  const formula = unaryOfBigints[name];
  return (
    formula &&
    ((a, out, from, to) => {
      const [x, z] = [a, out] as unknown as [BigData, BigData];
      for (let i = from; i < to; i++) z[i] = formula(x[i]!);
    })
  );
}
