// The differences between Node, browsers and other hosts, and nothing else: how to inflate bytes and how to let the event loop run.

/** Inflates zlib data. Every supported host has DecompressionStream (Node 18, Chrome 80, Firefox 113, Safari 16.4); the raw form came later. */
export async function inflate(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * Resolves in a later turn of the event loop, after timers, input and rendering that are due had their chance.
 * setImmediate where there is one; else a message channel, since setTimeout waits 4 ms once it is nested.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
