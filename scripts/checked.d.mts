export const DATA_BYTES: number;
export const READ: number;
export const WRITE: number;
export const FAULT: number;
export const CHECKED_PAGES: number;
export function checked(bytes: Uint8Array): { bytes: Uint8Array<ArrayBuffer>; counts: { loads: number; stores: number; copies: number } };
