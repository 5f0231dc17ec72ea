// A worker of the page that does what it is told by name, with the library of its own.

import { actions } from "./actions.js";
import type { Order } from "./actions.js";

addEventListener("message", ({ data: { name, parameters } }: MessageEvent<Order>) => {
  const action = actions[name as keyof typeof actions] as (...given: unknown[]) => Promise<unknown>;
  action(...parameters).then(
    (value) => postMessage({ value }),
    (error: Error) => postMessage({ error: error.message }),
  );
});
