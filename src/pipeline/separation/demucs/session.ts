import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { StereoBlock } from '../../audio/song.ts';
import type { NetworkSettings } from '../../config.ts';
import { WorkerError } from '../../errors.ts';
import { graphFile, type NetworkShape } from './network-files.ts';
import type { Network } from './separator.ts';
import { Spectrogram } from './spectrogram.ts';

const CHANNELS = 2;
/** Planes of a stereo spectrogram: real and imaginary part of each channel. */
const PLANES = 2 * CHANNELS;

/** A loaded network. Loading takes a second and releasing leaks memory, so a process keeps the one it has. */
export class NetworkSession implements Network {
  readonly shape: NetworkShape;

  readonly #session: InferenceSession;
  readonly #spectrogram: Spectrogram;
  readonly #inputs: Record<string, Tensor>;
  /** Outputs are written into the same memory every time. */
  readonly #outputs: Record<string, Tensor>;

  private constructor(session: InferenceSession, shape: NetworkShape) {
    const { sources, segment_frames: length, nfft } = shape;
    const stems = sources.length;
    const spectrogram = new Spectrogram(nfft, length);
    const { bins, spectra } = spectrogram;
    this.#session = session;
    this.shape = shape;
    this.#spectrogram = spectrogram;
    this.#inputs = {
      mix: blank([1, CHANNELS, length]),
      spectra: blank([1, PLANES, bins, spectra]),
    };
    this.#outputs = {
      wave: blank([1, stems, CHANNELS, length]),
      masked: blank([1, stems, PLANES, bins, spectra]),
    };
  }

  /**
   * Loads the network in `folder`.
   *
   * @throws WorkerError `model_unavailable` where its files can't be loaded or the execution provider isn't there.
   */
  static async load(
    folder: string,
    shape: NetworkShape,
    settings: Pick<NetworkSettings, 'precision' | 'executionProvider' | 'threads'>,
  ): Promise<NetworkSession> {
    const { precision, executionProvider, threads } = settings;
    try {
      const session = await InferenceSession.create(join(folder, graphFile(precision)), {
        executionProviders: [executionProvider],
        intraOpNumThreads: threads,
        graphOptimizationLevel: 'all',
        // The planner that reuses buffers takes 5 GB for this graph instead of one.
        enableMemPattern: false,
        logSeverityLevel: 4,
      });
      return new NetworkSession(session, shape);
    } catch (cause) {
      throw unloadable(folder, executionProvider, cause);
    }
  }

  /**
   * Separates one segment: both channels `segment_frames` long, at the level of the network's training. Of the answer
   * only the wanted `stems` are made; it is good until the next call.
   */
  async run([left, right]: StereoBlock, stems: readonly string[]): Promise<Record<string, StereoBlock>> {
    const { sources, segment_frames: length } = this.shape;
    const { bins, spectra } = this.#spectrogram;
    const plane = (tensor: Tensor, index: number) =>
      (tensor.data as Float32Array).subarray(index * bins * spectra, (index + 1) * bins * spectra);
    const channel = (tensor: Tensor, index: number) =>
      (tensor.data as Float32Array).subarray(index * length, (index + 1) * length);
    const { mix, spectra: mixSpectra } = this.#inputs;
    for (const [c, samples] of [left, right].entries()) {
      channel(mix, c).set(samples);
      this.#spectrogram.analyse(samples, plane(mixSpectra, 2 * c), plane(mixSpectra, 2 * c + 1));
    }
    const { wave, masked } = this.#outputs;
    await this.#session.run(this.#inputs, this.#outputs);
    const samples = (stem: string, c: number) => {
      const s = sources.indexOf(stem);
      const out = channel(wave, s * CHANNELS + c);
      const first = s * PLANES + 2 * c;
      this.#spectrogram.synthesise(plane(masked, first), plane(masked, first + 1), out);
      return out;
    };
    return Object.fromEntries(
      stems.map((stem): [string, StereoBlock] => [stem, [samples(stem, 0), samples(stem, 1)]]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}

function blank(shape: readonly number[]): Tensor {
  return new Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b)), shape);
}

function unloadable(folder: string, provider: string, cause: unknown): WorkerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message =
    provider === 'cpu'
      ? `The network in ${folder} can't be loaded: ${reason} Run "npm run models -- verify".`
      : `ORT_EXECUTION_PROVIDER is '${provider}', and onnxruntime can't use that here: ${reason} Install what the provider needs, or set it to 'cpu'.`;
  return new WorkerError('model_unavailable', message, { cause });
}
