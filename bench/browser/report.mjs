// The figures of the bench page as tables of text, for the page and for results.md alike.

import { three } from "../stats.mjs";

const times = (value) => `${value < 0.1 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : three(value)}×`;
const rowOf = ({ rows }, name) => rows.find((row) => row.name === name);

/** Peers that have been measured on at least one network. */
const peersOf = ({ networks }) => [...new Set(networks.flatMap(({ rows }) => rows.map(({ name }) => name).filter((name) => name.startsWith("tfjs"))))];

/** The name of our row with more than one thread, or undefined. */
const sharedOf = ({ networks }) => networks[0]?.rows.find(({ threads }) => threads > 1);

/** Figures of peers beside ours: what they reach, and how many times as fast we are. */
function beside(network, peers, task, format) {
  return peers.flatMap((peer) => {
    const figure = rowOf(network, peer)?.[task];
    return figure === undefined ? ["–", "–"] : [format(figure.value), times(figure.ratio)];
  });
}

const headOf = (peers) => peers.flatMap((peer) => [peer, `ours over ${peer.slice(5)}`]);

/** [{ title, rows }]: the first row of each is its head, the first cell of each row names the network. */
export function tables(results) {
  const peers = peersOf(results);
  const shared = sharedOf(results);
  const training = results.networks.map((network) => {
    const one = rowOf(network, "rosenblatt").train;
    const more = shared && rowOf(network, shared.name).train;
    return [
      `${network.key} ${network.shape}`, String(network.batch), three(one.value), ...(more ? [three(more.value), times(more.gain)] : []), one.spread.toFixed(0),
      one.share.toFixed(2), ...beside(network, peers, "train", three),
    ];
  });
  const single = results.networks.map((network) => {
    const one = rowOf(network, "rosenblatt").single;
    return [`${network.key} ${network.shape}`, three(one.value * 1000), one.spread.toFixed(0), ...beside(network, peers, "single", (value) => three(value * 1000))];
  });
  const batch = results.networks.map((network) => {
    const one = rowOf(network, "rosenblatt").batch;
    return [`${network.key} ${network.shape}`, three(one.value), one.spread.toFixed(0), one.share.toFixed(2), ...beside(network, peers, "batch", three)];
  });
  const threads = shared ? [`${shared.threads} threads`, `${shared.threads} over 1`] : [];
  return [
    { title: "Training with Adam, samples a second", rows: [["network", "batch", "1 thread", ...threads, "± %", "of the peak", ...headOf(peers)], ...training] },
    { title: "One prediction, µs", rows: [["network", "rosenblatt", "± %", ...headOf(peers)], ...single] },
    { title: "Batches of 1,024 predictions, samples a second", rows: [["network", "rosenblatt", "± %", "of the peak", ...headOf(peers)], ...batch] },
  ];
}

/** Sentences about where and how the figures were made. */
export function notes(results) {
  const { networks, isolated, hardware, backends, absent, rounds, milliseconds } = results;
  const peaks = networks.map(({ peak }) => peak);
  const reason = networks.find((network) => network.reason !== undefined)?.reason;
  const problems = networks.flatMap(({ key, problems: some }) => Object.entries(some).map(([name, text]) => `${name} is left out of ${key}: ${text}.`));
  return [
    `${isolated ? "Cross-origin isolated" : "Not cross-origin isolated"} page, ${hardware} hardware threads, on the main thread; medians of ${rounds} rounds of ${milliseconds} ms blocks, ± half the range.`,
    ...(peaks.length > 0 ? [`The peak is that of 128-bit multiply and add without FMA on one core, measured in turn: ${Math.min(...peaks).toFixed(0)} to ${Math.max(...peaks).toFixed(0)} GFLOP/s.`] : []),
    ...(reason === undefined ? [] : [`One thread only: ${reason}.`]),
    ...Object.entries(backends).map(([name, text]) => `${name}: ${text}${/swiftshader|llvmpipe|softpipe/i.test(text) ? " (by software: this machine has no graphics processor for it)" : ""}.`),
    ...Object.entries(absent).map(([name, text]) => `${name} is absent: ${text}.`),
    ...problems,
    "\"ours over\" is our speed over theirs: above 1 ours is faster. One thread against one; in training, all of ours against a peer with several or a graphics processor.",
  ];
}
