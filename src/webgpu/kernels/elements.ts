import type { DType } from "../../machine/tensor.js";

/** How elements of a type lie in a buffer of words, and as what shaders compute with them. */
export interface ElementType {
  /** What the buffer is an array of. */
  readonly stored: "f32" | "i32" | "u32" | "vec2<u32>";
  /** What an element is once it is read; integers of fewer than 32 bits are widened. */
  readonly value: "f32" | "i32" | "u32" | "vec2<u32>";
  /** The bits of an element that shares its word with others; 0 where it does not. */
  readonly packed: 0 | 8 | 16;
}

const types: Partial<Record<DType, ElementType>> = {
  float32: { stored: "f32", value: "f32", packed: 0 },
  int32: { stored: "i32", value: "i32", packed: 0 },
  uint32: { stored: "u32", value: "u32", packed: 0 },
  int16: { stored: "u32", value: "i32", packed: 16 },
  uint16: { stored: "u32", value: "u32", packed: 16 },
  int8: { stored: "u32", value: "i32", packed: 8 },
  uint8: { stored: "u32", value: "u32", packed: 8 },
  bool: { stored: "u32", value: "u32", packed: 8 },
  // The low word first, as all hosts have it.
  int64: { stored: "vec2<u32>", value: "vec2<u32>", packed: 0 },
  uint64: { stored: "vec2<u32>", value: "vec2<u32>", packed: 0 },
};

/** Undefined for float64, which WGSL does not have. */
export function elementType(dtype: DType): ElementType | undefined {
  return types[dtype];
}

/** The type as which elements are moved bit by bit, whatever they mean; undefined for float64. */
export function movedType(dtype: DType): DType | undefined {
  const own = types[dtype];
  if (own === undefined) return undefined;
  if (own.stored === "vec2<u32>") return "uint64";
  return own.packed === 8 ? "uint8" : own.packed === 16 ? "uint16" : "uint32";
}

/** The words of 4 bytes that `size` elements take. */
export function wordsOf(dtype: DType, size: number): number {
  const { stored, packed } = types[dtype]!;
  if (stored === "vec2<u32>") return 2 * size;
  return packed === 0 ? size : Math.ceil((size * packed) / 32);
}

/** An unsigned number in WGSL; negative ones modulo 2³², in which sums and products of offsets come out right. */
export const unsigned = (value: number): string => `${value >>> 0}u`;

/**
 * A float32 in WGSL, which has no literals for numbers that are not finite, nor may it work them out beforehand: those
 * are read from variables.
 */
export function float(value: number): string {
  const own = Math.fround(value);
  if (Number.isNaN(own)) return "not_a_number()";
  if (!Number.isFinite(own)) return own > 0 ? "infinity()" : "(-infinity())";
  // −0 and subnormal numbers by their bits.
  if (Object.is(own, -0) || (own !== 0 && Math.abs(own) < 2 ** -126)) {
    const [bits] = new Uint32Array(Float32Array.of(own).buffer);
    return `bitcast<f32>(${bits}u)`;
  }
  const text = `${own}f`;
  return own < 0 ? `(${text})` : text;
}
