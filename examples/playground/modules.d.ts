// A module asked for with ?text is its source.

declare module "*?text" {
  const text: string;
  export default text;
}
