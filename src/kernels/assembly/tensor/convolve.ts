import { Geometry } from "./geometry";
import { BLOCK_TERMS, blockColumns, multiplyBlock, packedAt, tileColumns } from "./gemm";
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
      packPatches(x, g, <i32>l, <i32>terms, <i32>j, <i32>columns, packedAt(room));
      if (columns <= NARROW)
        multiplyNarrow(w + l * 4, k * 4, packedAt(room), tileColumns<f32>() * 4, y + j * 4, yRow, 4, m, columns, terms, l == 0);
      else multiplyBlock<f32>(w + l * 4, k * 4, 4, y + j * 4, yRow, m, columns, terms, l == 0, room);
    }
  }
}

/** The terms `first` to `first + terms` of the patches at `columns` positions from `start` on, in panels. */
function packPatches(x: usize, g: Geometry, first: i32, terms: i32, start: i32, columns: i32, to: usize): void {
  const panel = <i32>tileColumns<f32>();
  const plane = g.height * g.width;
  const area = g.kernelHeight * g.kernelWidth;
  for (let j = 0; j < columns; j += panel) {
    const position = start + j;
    const outY = position / g.outWidth;
    const outX = position - outY * g.outWidth;
    const width = min(panel, columns - j);
    // Of a narrow product a half is read.
    const filled = columns <= <i32>NARROW ? <i32>NARROW : panel;
    const inRow = width == panel && outX + panel <= g.outWidth;
    const y0 = outY * g.strideY - g.padTop;
    const x0 = outX * g.strideX - g.padLeft;
    // Where the first term stands: channel, row and column of the kernel.
    const channel = first / area;
    let ky = (first - channel * area) / g.kernelWidth;
    let kx = first - channel * area - ky * g.kernelWidth;
    let image = x + <usize>(channel * plane) * 4;
    for (let l = 0; l < terms; l++, to += 32) {
      const iy = y0 + ky * g.dilationY;
      const ix = x0 + kx * g.dilationX;
      if (!inRow) {
        let row = iy;
        let ox = outX;
        for (let r = 0; r < filled; r++) {
          const at = ix + (ox - outX) * g.strideX;
          const inside = r < width && row >= 0 && row < g.height && at >= 0 && at < g.width;
          store<f32>(to + <usize>r * 4, inside ? load<f32>(image + <usize>(row * g.width + at) * 4) : 0);
          if (++ox == g.outWidth) {
            ox = 0;
            row += g.strideY;
          }
        }
      } else if (iy < 0 || iy >= g.height) {
        v128.store(to, i32x4.splat(0));
        v128.store(to, i32x4.splat(0), 16);
      } else {
        const line = image + <usize>(iy * g.width) * 4;
        if (g.strideX == 1 && ix >= 0 && ix + panel <= g.width) {
          v128.store(to, v128.load(line + <usize>ix * 4));
          v128.store(to, v128.load(line + <usize>ix * 4, 16), 16);
        } else if (g.strideX == 2 && ix >= 0 && ix + 2 * panel <= g.width) {
          const at = line + <usize>ix * 4;
          v128.store(to, v128.shuffle<f32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6));
          v128.store(to, v128.shuffle<f32>(v128.load(at, 32), v128.load(at, 48), 0, 2, 4, 6), 16);
        } else {
          for (let r = 0, at = ix; r < panel; r++, at += g.strideX)
            store<f32>(to + <usize>r * 4, at >= 0 && at < g.width ? load<f32>(line + <usize>at * 4) : 0);
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
