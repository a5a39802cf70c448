import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PRECISIONS } from '../../config.ts';
import { WorkerError } from '../../errors.ts';
import { tool } from '../../version.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint/checkpoint.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { bytesOf, type GraphBuilder } from './network/graph.ts';
import { buildNetwork, portsOf } from './network/htdemucs.ts';
import { encodeOnnx } from './network/onnx.ts';
import { graphFile, type NetworkShape, WEIGHTS_FILE } from './network-files.ts';
import { type ModelFile, TensorFile } from './tensor-file.ts';

/** A network that was made for onnxruntime. */
export interface ConvertedNetwork extends NetworkShape {
  readonly files: readonly ModelFile[];
}

const KLASS = 'demucs.htdemucs.HTDemucs';

/**
 * Makes a network for onnxruntime from a checkpoint. Into `folder`, which exists, go a graph for each precision, and one
 * file of all their tensors: the checkpoint's own in single precision, and those that are computed from them.
 *
 * @throws WorkerError `model_unavailable` where the file is no checkpoint of an HTDemucs network.
 */
export async function convertCheckpoint(path: string, folder: string): Promise<ConvertedNetwork> {
  await using checkpoint = await openCheckpoint(path);
  const configuration = configurationOf(checkpoint, basename(path));
  const shapes = new Map([...checkpoint.tensors].map(([name, { shape }]) => [name, shape]));
  const read = (name: string) => checkpoint.tensors.get(name)!.read();
  const networks = PRECISIONS.map((precision) => ({
    precision,
    network: buildNetwork(configuration, shapes, precision),
  }));
  requireAllUsed(networks[0].network, shapes);

  await using weights = await TensorFile.create(join(folder, WEIGHTS_FILE));
  for (const { network } of networks) {
    for (const name of network.weights) await weights.add(name, async () => bytesOf(await read(name)));
    for (const { name, compute } of network.derived.values()) await weights.add(name, () => compute(read));
  }
  const files: ModelFile[] = [await weights.finish()];
  for (const { precision, network } of networks) {
    const graph = network.finish('htdemucs', portsOf(configuration), (name) => weights.place(name));
    const bytes = encodeOnnx(graph, tool);
    const name = graphFile(precision);
    await writeFile(join(folder, name), bytes);
    files.push({ name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  }
  const { sources, segmentFrames, nfft } = configuration;
  return { sources, segment_frames: segmentFrames, nfft, files };
}

/** The checkpoint's configuration; the class takes its first argument, the sources, with or without a name. */
function configurationOf({ klass, args, kwargs }: Checkpoint, file: string): Configuration {
  if (klass !== KLASS)
    throw new WorkerError(
      'model_unavailable',
      `'${file}' holds a network of the class ${klass}; ${KLASS} is supported.`,
    );
  return readConfiguration(args.length > 0 ? { sources: args[0], ...kwargs } : kwargs);
}

/** A tensor that the graph has no use for means that the network is another one. */
function requireAllUsed(network: GraphBuilder, shapes: ReadonlyMap<string, unknown>): void {
  const unused = [...shapes.keys()].filter((name) => !network.weights.has(name));
  if (unused.length === 0) return;
  throw new WorkerError(
    'model_unavailable',
    `The checkpoint holds ${unused.length} tensors that its configuration has no use for, such as '${unused[0]}'.`,
  );
}
