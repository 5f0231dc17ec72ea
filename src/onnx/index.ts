// rosenblatt/onnx: networks to and from ONNX.

import { portableOf } from "../files/portable.js";
import type { Network } from "../index.js";
import { writeONNX } from "./export.js";
import { readONNX } from "./import.js";

/**
 * The network as the bytes of an ONNX model: opset 17, input `input` [batch, inputs] and output `output` [batch, outputs] in f32, the batch free.
 * Every layer and activation of the library has a form there; seed, initialisers, penalties, loss and optimizer have none and are left out.
 * The same network gives the same bytes.
 * @throws {TypeError} if it is no network
 * @throws {Error} for a custom activation, or numbers that are not finite
 * @throws {RangeError} for a network that would pass the 2 GB of an ONNX file
 * @example await writeFile("network.onnx", toONNX(network))
 */
export function toONNX(network: Network): Uint8Array {
  return writeONNX(portableOf(network, "toONNX"), "toONNX");
}

/**
 * The network of an ONNX model, as PyTorch, skl2onnx, tf2onnx and `toONNX` write a multilayer perceptron. Its predictions are the model's to rounding;
 * it can be trained further.
 *
 * - Scalings by constants join the weights beside them; BatchNormalization and LayerNormalization become layers where they stand behind an
 *   activation or another layer; between weights and activation the former joins the weights, and the latter is followed by a dense layer
 *   of the identity that carries the activation. Nodes that do nothing outside of training (Dropout, Identity, Cast between floats) pass.
 * - Of a classifier made by skl2onnx the probabilities are taken, not the labels; the two of a binary one become a softmax of two.
 *
 * @throws {TypeError} for what is not bytes
 * @throws {ModelFormatError} for any other file; a node that has no form here is named with its operator
 * @example const network = await fromONNX(await readFile("model.onnx"))
 */
export async function fromONNX(bytes: Uint8Array | ArrayBuffer): Promise<Network> {
  return readONNX(bytes);
}
