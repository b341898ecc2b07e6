// What counts as a missing cell.

// @ts-ignore: decorator
@inline
export function isBlank(c: u32): bool {
  return c == 0x20 || c == 0x09;
}

/** Whether [p, end), without surrounding blanks, is nothing, NA, N/A, NaN, nan, null or NULL. */
export function isMissing(p: usize, end: usize): bool {
  const length = end - p;
  if (length == 0) return true;
  if (length == 2) return load<u16>(p) == 0x414e; // NA
  if (length == 3) {
    const text = load<u16>(p) | (<u32>load<u8>(p, 2) << 16);
    return text == 0x412f4e || text == 0x4e614e || text == 0x6e616e; // N/A NaN nan
  }
  if (length == 4) return load<u32>(p) == 0x6c6c756e || load<u32>(p) == 0x4c4c554e; // null NULL
  return false;
}
