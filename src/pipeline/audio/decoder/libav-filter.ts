import { writeSync } from 'node:fs';
import * as av from 'node-av/constants';
import {
  avChannelLayoutDescribe,
  FFmpegError,
  type FilterContext,
  FilterGraph,
  Frame,
  type IRational,
} from 'node-av/lib';
import { mixFilter } from '../channel-mix.ts';
import { FRAME_BYTES } from '../song.ts';
import { filtersOf, STDOUT, STRETCHES } from './command.ts';

/** Behind a full pipe that doesn't wait by itself, ms until it is tried again. */
const PIPE_PAUSE_MS = 2;
const NATIVE_ORDER = 1;

interface Graph {
  readonly key: string;
  readonly graph: FilterGraph;
  readonly source: FilterContext;
  readonly sink: FilterContext;
}

/** Takes decoded frames, makes stereo of them, and writes samples and stretches. */
export class LibavFilter {
  readonly #timeBase: IRational;
  readonly #mix: string;
  readonly #layout: string;
  readonly #out = new Frame();
  #graph: Graph | undefined;

  /** `mix`: the filter for frames of the channels `layout`; others, in the middle of a stream, get one of their own. */
  constructor(timeBase: IRational, mix: string, layout: string) {
    this.#timeBase = timeBase;
    this.#mix = mix;
    this.#layout = layout;
    this.#out.alloc();
  }

  write(frame: Frame): void {
    const layout = avChannelLayoutDescribe(frame.channelLayout) ?? '';
    const key = `${frame.sampleRate} ${frame.format} ${layout}`;
    if (this.#graph?.key !== key) {
      this.end();
      this.#graph = this.#build(key, frame, layout);
    }
    if (frame.pts === av.AV_NOPTS_VALUE) frame.pts = frame.bestEffortTimestamp;
    check(this.#graph.source.buffersrcAddFrameSync(frame));
    this.#drain(this.#graph);
  }

  /** Writes what the filters still hold. */
  end(): void {
    if (!this.#graph) return;
    check(this.#graph.source.buffersrcAddFrameSync(null));
    this.#drain(this.#graph);
    this.#graph.graph.free();
    this.#graph = undefined;
  }

  #build(key: string, { sampleRate, format, channelLayout }: Frame, layout: string): Graph {
    const { num, den } = this.#timeBase;
    const { order, mask, nbChannels } = channelLayout;
    const places =
      order === NATIVE_ORDER ? `0x${mask.toString(16)}` : order === 0 ? `${nbChannels}C` : `'${layout}'`;
    const input = `time_base=${num}/${den}:sample_rate=${sampleRate}:sample_fmt=${format}:channel_layout=${places}`;
    const mix = layout === this.#layout ? this.#mix : mixFilter(layout, '', true);
    const graph = new FilterGraph();
    graph.alloc();
    check(graph.parse2(`abuffer@in=${input},${filtersOf(mix)},abuffersink@out`));
    check(graph.configSync());
    const [source, sink] = ['abuffer@in', 'abuffersink@out'].map((name) => graph.getFilter(name));
    if (!source || !sink) throw new Error('The filters have no beginning or no end.');
    return { key, graph, source, sink };
  }

  #drain({ sink }: Graph): void {
    for (;;) {
      const result = sink.buffersinkGetFrameSync(this.#out);
      if (result === av.AVERROR_EAGAIN || result === av.AVERROR_EOF) return;
      check(result);
      const { pts, nbSamples, data } = this.#out;
      writeAll(STRETCHES, Buffer.from(`0,${pts},${pts},${nbSamples},${nbSamples * FRAME_BYTES},0x0\n`));
      if (data) writeAll(STDOUT, data[0].subarray(0, nbSamples * FRAME_BYTES));
      this.#out.unref();
    }
  }
}

function check(result: number): void {
  if (result < 0) throw new Error(FFmpegError.strerror(result));
}

const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, PIPE_PAUSE_MS);
    }
  }
}
