// Rows of CSV text to a column-major block of doubles.
import { CR, findCellEnd, findQuote, LF, QUOTE } from "./bytes";
import { BAD, decimalValue, readDecimal, readLong, setMarks, UNDECIDED } from "./decimal";
import { beyondDecimal, digitsOf, nonDigits, points, swapPoints } from "./digits";
import { isBlank, isMissing } from "./missing";
import { powerOfTen } from "./powers";

// Why parseRows stopped (src/kernels/rows.ts has the same numbers).
export const FULL: i32 = 0;
export const LIMIT: i32 = 1;
const NEED_MORE: i32 = 2;
const BAD_NUMBER: i32 = 3;
const RAGGED: i32 = 4;
const STRAY_QUOTE: i32 = 5;
const LIST_FULL: i32 = 6;

/** A text cell's length carries this bit where "" inside stands for a quote. */
export const ESCAPED: u32 = 0x80000000;

/** The request and its answer, i32 each, shared with the host (src/kernels/rows.ts lists the same fields). */
@unmanaged
export class Request {
  directives: usize;
  columns: i32;
  delimiter: u32;
  block: usize;
  firstRow: i32;
  maxRows: i32;
  from: usize;
  limit: usize;
  end: usize;
  last: i32;
  list: usize;
  listRoom: i32;
  spans: usize;
  decimal: u32;
  hostReads: i32;
  separator: u32;
  // answer
  rows: i32;
  next: usize;
  status: i32;
  rowStart: usize;
  column: i32;
  cell: usize;
  cellLength: i32;
  found: i32;
  listed: i32;
  missing: i32;
}

// What the last call of readCell found, beside where the cell ends.
let contentStart: usize = 0;
let contentEnd: usize = 0;
let escaped: bool = false;

/**
 * Finds the cell that starts at `p`: its content (within the quotes, if it has them) and, returned, where its
 * delimiter or line end stands; 0 for a quote where none may be, a lone CR, or quotes that do not end.
 */
function readCell(p: usize, delimiter: u32, end: usize): usize {
  escaped = false;
  let stop: usize;
  if (load<u8>(p) == QUOTE) {
    contentStart = p + 1;
    let q = findQuote(p + 1);
    while (q < end && load<u8>(q, 1) == QUOTE && q + 1 < end) {
      escaped = true;
      q = findQuote(q + 2);
    }
    contentEnd = q;
    if (q >= end) return 0;
    stop = q + 1;
    const c: u32 = load<u8>(stop);
    if (c != delimiter && c != LF && c != CR) return 0;
  } else {
    contentStart = p;
    stop = findCellEnd(p, delimiter);
    contentEnd = stop;
    if (load<u8>(stop) == QUOTE) return 0;
  }
  if (load<u8>(stop) == CR && delimiter != CR && load<u8>(stop, 1) != LF) return 0;
  return stop;
}

/** The number in the content of the last cell read; MISSING beside the outcomes of `readDecimal`. */
const MISSING: i32 = 3;
function readNumber(): i32 {
  let p = contentStart;
  let e = contentEnd;
  while (p < e && isBlank(load<u8>(p))) p++;
  while (p < e && isBlank(load<u8>(e - 1))) e--;
  if (isMissing(p, e)) return MISSING;
  contentStart = p;
  contentEnd = e;
  return readDecimal(p, e);
}

/**
 * Parses the rows that start in [from, limit) into the block, from row `firstRow` until `maxRows` rows are there.
 *
 * `directives` has one i32 per file column: −1 skips it; s >= 0 parses it as a number; −2 − s writes the text's
 * place (i32 address, i32 length, ESCAPED or-ed in); row r's goes to block + s + 8r. Numbers equal JavaScript's Number(cell); missing ones are NaN, and counted.
 * Numbers left undecided go to `list` (row, column, address, length, row start: i32 each). With `hostReads`, so do
 * cells that are no plain numbers: the host knows other ways to write one, and other texts for a missing one.
 *
 * `decimal` is the character before a number's fraction, a point or a comma; `separator` that between groups of digits,
 * 0 for none.
 *
 * [from, end) are the bytes there are; `last` says that the data end there. 64 bytes after `end` must belong to
 * the caller: two of them are written during the call, and put back. A row that is not wholly there gives
 * NEED_MORE with `next` at its start. `spans`, if not 0, gets each row's first address and its end (i32 each),
 * line end left out.
 */
export function parseRows(r: Request): void {
  const end = r.end;
  const saved = load<u16>(end);
  store<u16>(end, (QUOTE << 8) | LF); // stops every search that runs past the end
  r.listed = 0;
  r.missing = 0;
  r.status = parse(r);
  if (r.status >= BAD_NUMBER && r.status <= STRAY_QUOTE && !r.last && r.cell + r.cellLength >= end) {
    r.status = NEED_MORE;
  }
  store<u16>(end, saved);
}

function fail(r: Request, status: i32, column: i32, cell: usize, cellEnd: usize): i32 {
  r.column = column;
  r.cell = cell;
  r.cellLength = <i32>(cellEnd - cell);
  return status;
}

/** Counts the cells of the row from the one that ends at `p`, for the message. */
function countCells(r: Request, p: usize, found: i32): i32 {
  while (load<u8>(p) == r.delimiter && p < r.end) {
    found++;
    const next = readCell(p + 1, r.delimiter, r.end);
    p = next ? next : contentEnd;
    if (!next) break;
  }
  r.found = found;
  return fail(r, RAGGED, found, p, p);
}

function parse(r: Request): i32 {
  setMarks(r.decimal, r.separator);
  // Compiled once for each: a question in the innermost loop would cost three in a hundred.
  return r.decimal == 0x2e ? parsePoints(r) : parseCommas(r);
}

// A function for each: the engine compiles those that are called, and optimizes no more than it runs.
function parsePoints(r: Request): i32 {
  return parseWith(r, false);
}

function parseCommas(r: Request): i32 {
  return parseWith(r, true);
}

// @ts-ignore: decorator
@inline
function parseWith(r: Request, comma: bool): i32 {
  const directives = r.directives;
  const columns = r.columns;
  const delimiter = r.delimiter;
  const limit = r.limit;
  const end = r.end;
  const maxRows = r.maxRows;
  const fullList = r.listRoom - columns;
  const unquotedComma = comma && r.decimal != delimiter;
  const hostReads = r.hostReads != 0;
  let p = r.from;
  let row = r.firstRow;
  while (true) {
    // Blank lines.
    while (true) {
      r.next = p;
      r.rows = row;
      if (p >= limit) return LIMIT;
      const c: u32 = load<u8>(p);
      if (c == LF) p++;
      else if (c == CR && load<u8>(p, 1) == LF) {
        if (p + 1 == end && !r.last) return NEED_MORE;
        p += 2;
      } else break;
    }
    if (row >= maxRows) return FULL;
    if (r.listed > fullList) return LIST_FULL;
    const rowStart = p;
    r.rowStart = p;
    const target = r.block + (<usize>row << 3);
    const lastColumn = columns - 1;
    for (let column = 0; column < columns; column++) {
      const directive = load<i32>(directives + (<usize>column << 2));
      let stop: usize;
      let c: u32;
      if (directive >= 0) {
        // A plain decimal of at most 15 characters: [-]digits[.digits], right up to the delimiter or line end. No
        // branch here depends on its sign or its length, so that there is little to mispredict, and finding its end
        // takes one read, so that the next cell does not wait long.
        const slot = target + directive;
        let text = v128.load(p);
        if (comma) text = swapPoints(text, unquotedComma);
        const minus = i32(load<u8>(p) == 0x2d);
        const length = ctz(beyondDecimal(text));
        const others = (nonDigits(text) & ((1 << length) - 1)) ^ minus;
        const whole = ctz(others | (1 << length));
        const pointed = i32(others != 0);
        stop = p + length;
        c = load<u8>(stop);
        let done = false;
        if (<u32>(length - minus - pointed - 1) < 15 && (others & ((others - 1) | ~points(text))) == 0) {
          const v = <f64>digitsOf(text, whole, length) / powerOfTen(length - whole - pointed);
          store<u64>(slot, reinterpret<u64>(v) | ((<u64>minus) << 63));
          if (c == delimiter) {
            if (column == lastColumn) return countCells(r, stop, columns);
            p = stop + 1;
            continue;
          }
          done = c == LF || (c == CR && load<u8>(stop, 1) == LF);
        }
        if (done) {
          // A line end; below.
        } else if ((stop = readLong(p + minus, delimiter)) != 0) {
          store<u64>(slot, reinterpret<u64>(decimalValue) | ((<u64>minus) << 63));
          c = load<u8>(stop);
        } else {
          stop = readCell(p, delimiter, end);
          if (stop == 0) return fail(r, STRAY_QUOTE, column, p, contentEnd);
          let outcome = readNumber();
          if (outcome == BAD && hostReads && (stop < end || r.last)) outcome = UNDECIDED;
          if (outcome == BAD) {
            // Spaces at the end of what there is may stand within the cell.
            if (stop >= end && !r.last) return NEED_MORE;
            return fail(r, BAD_NUMBER, column, contentStart, contentEnd);
          }
          if (outcome == UNDECIDED) {
            const entry = r.list + <usize>(r.listed++) * 20;
            store<i32>(entry, row);
            store<i32>(entry, column, 4);
            store<i32>(entry, <i32>contentStart, 8);
            store<i32>(entry, <i32>(contentEnd - contentStart), 12);
            store<i32>(entry, <i32>rowStart, 16);
          } else if (outcome == MISSING) {
            r.missing++;
            store<f64>(slot, NaN);
          } else store<f64>(slot, decimalValue);
          c = load<u8>(stop);
        }
      } else {
        stop = readCell(p, delimiter, end);
        if (stop == 0) return fail(r, STRAY_QUOTE, column, p, contentEnd);
        if (directive < -1) {
          const slot = target + (-2 - directive);
          store<u32>(slot, <u32>contentStart);
          store<u32>(slot, <u32>(contentEnd - contentStart) | (escaped ? ESCAPED : 0), 4);
        }
        c = load<u8>(stop);
      }
      if (c == delimiter) {
        if (column == lastColumn) return countCells(r, stop, columns);
        p = stop + 1;
      } else {
        // LF, or CR and LF.
        p = stop + 1 + usize(c == CR);
        if (p > end) {
          if (!r.last) return NEED_MORE;
          p = end;
        }
        if (column != lastColumn) {
          r.found = column + 1;
          return fail(r, RAGGED, column, stop, stop);
        }
        if (r.spans) {
          const span = r.spans + (<usize>row << 3);
          store<u32>(span, <u32>rowStart);
          store<u32>(span, <u32>stop, 4);
        }
      }
    }
    row++;
  }
}
