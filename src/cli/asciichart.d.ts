// What is used of asciichart, which has no types of its own.

declare module "asciichart/asciichart.js" {
  /** The series as lines of box characters; `min` and `max` at least are on the axis, `height` rows apart. */
  export function plot(series: readonly (readonly number[])[], options: {
    min: number; max: number; height: number; offset: number; format(value: number, row: number): string; symbols?: readonly string[];
  }): string;
}
