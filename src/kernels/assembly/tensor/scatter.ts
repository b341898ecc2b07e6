import { Geometry } from "./geometry";

/**
 * Adds what a transposed convolution makes of the positions `from` to `to` of its image to its result: `products` has
 * a row for each of the `filters` planes of y and each element of the kernel, in that order, and a column for each
 * position. The geometry is that of the convolution which this one turns around: its image is y's plane, its result the
 * image here.
 */
export function scatterProducts(
  products: usize, row: usize,
  y: usize,
  geometry: usize,
  filters: i32, from: i32, to: i32,
): void {
  const g = changetype<Geometry>(geometry);
  const plane = <usize>(g.height * g.width) * 4;
  for (let filter = 0; filter < filters; filter++, y += plane) {
    for (let ky = 0; ky < g.kernelHeight; ky++) {
      for (let kx = 0; kx < g.kernelWidth; kx++, products += row) {
        const shift = kx * g.dilationX - g.padLeft;
        let at = products;
        for (let position = from; position < to; ) {
          const iy = position / g.outWidth;
          const first = position - iy * g.outWidth;
          const end = min(g.outWidth, first + to - position);
          const oy = iy * g.strideY + ky * g.dilationY - g.padTop;
          if (oy >= 0 && oy < g.height) {
            const line = y + <usize>(oy * g.width) * 4;
            for (let ix = first, ox = first * g.strideX + shift; ix < end; ix++, ox += g.strideX) {
              if (ox < 0 || ox >= g.width) continue;
              const place = line + <usize>ox * 4;
              store<f32>(place, load<f32>(place) + load<f32>(at + <usize>(ix - first) * 4));
            }
          }
          at += <usize>(end - first) * 4;
          position += end - first;
        }
      }
    }
  }
}
