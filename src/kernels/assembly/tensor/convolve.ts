import { Geometry } from "./geometry";
import { BLOCK_TERMS, blockColumns, multiplyBlock, packedAt, PLACES_BYTES, placesAt, tileColumns } from "./gemm";
import { multiplyNarrow, NARROW } from "./narrow";

/**
 * `m` output channels of a convolution of one image in single precision, at the positions `from` to `to` of the
 * output's plane: Y = W·P, W m × k with k = channels · kernelHeight · kernelWidth, and P the patches of the image, k ×
 * positions, which are packed as they are needed and never lie in memory as a whole. Padding is 0, and counts.
 *
 * @param w the kernels, row by row
 * @param y where the first of the output channels begins, `yRow` bytes from one to the next
 */
export function convolve(
  x: usize,
  w: usize,
  y: usize, yRow: usize,
  geometry: usize,
  m: usize, from: usize, to: usize,
  room: usize,
): void {
  const g = changetype<Geometry>(geometry);
  const k = <usize>(g.channels * g.kernelHeight * g.kernelWidth);
  for (let j = from; j < to; j += blockColumns<f32>()) {
    const columns = min(blockColumns<f32>(), to - j);
    for (let l: usize = 0; l < k || l == 0; l += BLOCK_TERMS) {
      const terms = min(BLOCK_TERMS, k - l);
      packPatches(x, g, <i32>l, <i32>terms, <i32>j, <i32>columns, packedAt(room), placesAt(room));
      if (columns <= NARROW)
        multiplyNarrow(w + l * 4, k * 4, packedAt(room), tileColumns<f32>() * 4, y + j * 4, yRow, 4, m, columns, terms, l == 0);
      else multiplyBlock<f32>(w + l * 4, k * 4, 4, y + j * 4, yRow, m, columns, terms, l == 0, room);
    }
  }
}

/** The terms `first` to `first + terms` of the patches at `columns` positions from `start` on, in panels. */
function packPatches(
  x: usize,
  g: Geometry,
  first: i32, terms: i32,
  start: i32, columns: i32,
  to: usize,
  table: usize,
): void {
  const panel = <i32>tileColumns<f32>();
  const plane = g.height * g.width;
  const area = g.kernelHeight * g.kernelWidth;
  const reach = (g.kernelWidth - 1) * g.dilationX + panel * g.strideX;
  // Where the first term stands: channel, row and column of the kernel.
  const channel = first / area;
  const firstY = (first - channel * area) / g.kernelWidth;
  const firstX = first - channel * area - firstY * g.kernelWidth;
  const firstImage = x + <usize>(channel * plane) * 4;
  for (let j = 0; j < columns; j += panel) {
    const outY = (start + j) / g.outWidth;
    const outX = start + j - outY * g.outWidth;
    const width = min(panel, columns - j);
    const y0 = outY * g.strideY - g.padTop;
    const x0 = outX * g.strideX - g.padLeft;
    const plain =
      g.strideX <= 2 && width == panel && outX + panel <= g.outWidth && x0 >= 0 && x0 + reach <= g.width;
    if (!plain) {
      writePlaces(g, firstY, firstX, min(area, terms), y0, outX, width, table);
      to = packPlaces(g, firstImage, firstY, firstX, terms, to, table);
      continue;
    }
    let ky = firstY;
    let kx = firstX;
    let image = firstImage;
    for (let l = 0; l < terms; l++, to += 32) {
      const iy = y0 + ky * g.dilationY;
      if (iy < 0 || iy >= g.height) {
        v128.store(to, i32x4.splat(0));
        v128.store(to, i32x4.splat(0), 16);
      } else {
        const at = image + <usize>(iy * g.width + x0 + kx * g.dilationX) * 4;
        if (g.strideX == 1) {
          v128.store(to, v128.load(at));
          v128.store(to, v128.load(at, 16), 16);
        } else {
          v128.store(to, v128.shuffle<f32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6));
          v128.store(to, v128.shuffle<f32>(v128.load(at, 32), v128.load(at, 48), 0, 2, 4, 6), 16);
        }
      }
      if (++kx == g.kernelWidth) {
        kx = 0;
        if (++ky == g.kernelHeight) {
          ky = 0;
          image += <usize>plane * 4;
        }
      }
    }
  }
}

/**
 * Where in a channel's plane the columns of a panel lie for `entries` elements of the kernel from (ky, kx) on: for each
 * element eight offsets in bytes, then eight masks, 0 for what is padding or behind the panel's `width` columns.
 */
function writePlaces(
  g: Geometry,
  ky: i32, kx: i32, entries: i32,
  y0: i32, outX: i32, width: i32,
  table: usize,
): void {
  for (let entry = 0; entry < entries; entry++, table += PLACES_BYTES) {
    let row = y0 + ky * g.dilationY;
    let ox = outX;
    for (let r: i32 = 0; r < <i32>tileColumns<f32>(); r++) {
      const at = ox * g.strideX - g.padLeft + kx * g.dilationX;
      const inside = r < width && row >= 0 && row < g.height && at >= 0 && at < g.width;
      store<i32>(table + <usize>r * 4, inside ? (row * g.width + at) * 4 : 0);
      store<i32>(table + <usize>r * 4, inside ? -1 : 0, 32);
      if (++ox == g.outWidth) {
        ox = 0;
        row += g.strideY;
      }
    }
    if (++kx == g.kernelWidth) {
      kx = 0;
      if (++ky == g.kernelHeight) ky = 0;
    }
  }
}

/** A panel by its places; gives where the next one begins. */
function packPlaces(g: Geometry, image: usize, ky: i32, kx: i32, terms: i32, to: usize, table: usize): usize {
  const area = g.kernelHeight * g.kernelWidth;
  let left = area - ky * g.kernelWidth - kx;
  const end = table + <usize>min(area, terms) * PLACES_BYTES;
  let place = table;
  for (let l = 0; l < terms; l++, to += 32) {
    v128.store(to, v128.and(fourAt(image, place), v128.load(place, 32)));
    v128.store(to, v128.and(fourAt(image, place + 16), v128.load(place, 48)), 16);
    place += PLACES_BYTES;
    if (place == end) place = table;
    if (--left == 0) {
      left = area;
      image += <usize>(g.height * g.width) * 4;
    }
  }
  return to;
}

// @ts-ignore: decorator
@inline
function fourAt(image: usize, offsets: usize): v128 {
  let four = v128.load32_zero(image + load<u32>(offsets));
  four = v128.load_lane<f32>(image + load<u32>(offsets, 4), four, 1);
  four = v128.load_lane<f32>(image + load<u32>(offsets, 8), four, 2);
  return v128.load_lane<f32>(image + load<u32>(offsets, 12), four, 3);
}
