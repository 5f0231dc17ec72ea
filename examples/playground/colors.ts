// Colours of what is drawn: a diverging map from orange over the ground to blue, which the usual kinds of colour blindness tell apart, and for
// classes those of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/). Both follow the theme's ground.

type Colour = readonly [number, number, number];

const BLUE: Colour = [38, 110, 190];
const ORANGE: Colour = [224, 122, 24];
const okabeIto: readonly Colour[] = [[38, 110, 190], [224, 122, 24], [0, 148, 108], [196, 84, 148], [190, 168, 20], [70, 170, 220], [200, 70, 20], [110, 110, 110], [120, 80, 180], [90, 140, 40]];

let ground: Colour = [250, 250, 250];

export function setGround(dark: boolean): void {
  ground = dark ? [22, 27, 34] : [250, 250, 251];
}

const mixed = (from: Colour, to: Colour, share: number): Colour => [0, 1, 2].map((i) => from[i] + (to[i] - from[i]) * share) as unknown as Colour;
const css = ([r, g, b]: Colour): string => `rgb(${r | 0} ${g | 0} ${b | 0})`;

/** Of −1 (orange) to 1 (blue). */
export function diverging(value: number): Colour {
  const v = Math.max(-1, Math.min(1, value));
  return mixed(ground, v > 0 ? BLUE : ORANGE, Math.abs(v) * 0.8);
}

export const divergingCss = (value: number): string => css(diverging(value));
export const signCss = (value: number): string => css(value > 0 ? BLUE : ORANGE);
export const classCss = (index: number): string => css(okabeIto[index % okabeIto.length]);

/** Class 0 of two is orange, 1 blue: that which sigmoid gives 0 and 1. */
export const binaryCss = (index: number): string => css(index > 0.5 ? BLUE : ORANGE);

/** Class colours weighed by their probabilities, from `offset` on. */
export function blended(probabilities: Float32Array, offset: number, count: number): Colour {
  const sum = [0, 0, 0];
  let most = 0;
  for (let k = 0; k < count; k++) {
    const p = probabilities[offset + k];
    most = Math.max(most, p);
    for (let i = 0; i < 3; i++) sum[i] += p * okabeIto[k % okabeIto.length][i];
  }
  return mixed(ground, sum as unknown as Colour, 0.25 + 0.5 * most);
}

/** Fills an image from a colour for each of its pixels; row 0 of the values is the lowest. */
export function paint(canvas: HTMLCanvasElement, side: number, colourOf: (place: number) => Colour): void {
  if (canvas.width !== side) canvas.width = side;
  if (canvas.height !== side) canvas.height = side;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(side, side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [r, g, b] = colourOf((side - 1 - row) * side + column);
      const at = (row * side + column) * 4;
      image.data[at] = r;
      image.data[at + 1] = g;
      image.data[at + 2] = b;
      image.data[at + 3] = 255;
    }
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
