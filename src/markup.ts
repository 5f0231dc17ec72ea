// Text for pages and pictures. All that comes from data goes through `escape`.

/** Text for a page or an SVG, between tags and in quoted attributes: no markup of its own, and no character that turns or hides text. */
export function escape(text: unknown): string {
  return String(text)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A place or a length of an SVG, to the hundredth. */
export function pixel(value: number): string {
  return String(Math.round(value * 100) / 100);
}
