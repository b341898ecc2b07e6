/**
 * The numbers of a window that moves over a plane, as the caller writes them into memory: 32-bit words in this order.
 * Images are channels × height × width; padding is at the top and the left, and what lies below or to the right of the
 * image is padding too.
 */
@unmanaged
export class Geometry {
  channels: i32;
  height: i32;
  width: i32;
  kernelHeight: i32;
  kernelWidth: i32;
  outHeight: i32;
  outWidth: i32;
  strideY: i32;
  strideX: i32;
  dilationY: i32;
  dilationX: i32;
  padTop: i32;
  padLeft: i32;
}
