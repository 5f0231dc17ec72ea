// Colours of what is drawn: a diverging map from orange over the ground to blue, which the usual kinds of colour blindness tell apart, and for
// classes those of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/). Both follow the theme's ground.

type Colour = readonly [number, number, number];

const BLUE: Colour = [38, 110, 190];
const ORANGE: Colour = [224, 122, 24];
const okabeIto: readonly Colour[] = [[38, 110, 190], [224, 122, 24], [0, 148, 108], [196, 84, 148], [190, 168, 20], [70, 170, 220], [200, 70, 20], [110, 110, 110], [120, 80, 180], [90, 140, 40]];

let ground: Colour = [250, 250, 250];
/** The diverging map in 511 steps, each as a pixel of an image (red in the lowest byte). */
const shades = new Uint32Array(511);

export function setGround(dark: boolean): void {
  ground = dark ? [22, 27, 34] : [250, 250, 251];
  for (let i = 0; i < 511; i++) shades[i] = pixel(...mixed(ground, i > 255 ? BLUE : ORANGE, Math.abs(i / 255 - 1) * 0.8));
}

const pixel = (r: number, g: number, b: number): number => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
const mixed = (from: Colour, to: Colour, share: number): Colour => [0, 1, 2].map((i) => from[i] + (to[i] - from[i]) * share) as unknown as Colour;
const css = ([r, g, b]: Colour): string => `rgb(${r | 0} ${g | 0} ${b | 0})`;

/** Of −1 (orange) to 1 (blue), as a pixel. What is no number is as 0. */
export function diverging(value: number): number {
  return shades[Math.round(Math.max(-1, Math.min(1, value)) * 255) + 255] ?? shades[255];
}

export const divergingCss = (value: number): string => {
  const shade = diverging(value);
  return css([shade & 255, (shade >> 8) & 255, (shade >> 16) & 255]);
};
const signs = [css(ORANGE), css(BLUE)];
export const signCss = (value: number): string => signs[Number(value > 0)];
export const classCss = (index: number): string => css(okabeIto[index % okabeIto.length]);

/** Class 0 of two is orange, 1 blue: that which sigmoid gives 0 and 1. */
export const binaryCss = (index: number): string => css(index > 0.5 ? BLUE : ORANGE);

/** Class colours weighed by their shares of the outputs above 0, from `offset` on, as a pixel. */
export function blended(outputs: Float32Array, offset: number, count: number): number {
  let [r, g, b, most, all] = [0, 0, 0, 0, 1e-9];
  for (let k = 0; k < count; k++) {
    const p = Math.max(0, outputs[offset + k]) || 0;
    const colour = okabeIto[k % okabeIto.length];
    most = Math.max(most, p);
    all += p;
    r += p * colour[0];
    g += p * colour[1];
    b += p * colour[2];
  }
  const share = 0.25 + (0.5 * most) / all;
  return pixel(ground[0] + (r / all - ground[0]) * share, ground[1] + (g / all - ground[1]) * share, ground[2] + (b / all - ground[2]) * share);
}

/** Fills an image from a pixel for each of its places; row 0 of the values is the lowest. */
export function paint(canvas: HTMLCanvasElement, side: number, pixelOf: (place: number) => number): void {
  if (canvas.width !== side) canvas.width = side;
  if (canvas.height !== side) canvas.height = side;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) pixels[row * side + column] = pixelOf((side - 1 - row) * side + column);
  }
  context.putImageData(image, 0, 0);
}

/** A context in CSS pixels, as sharp as the screen; cleared. */
export function sharp(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A custom property of the style. */
export function styleColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
