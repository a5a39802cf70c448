/**
 * A decoder around ffmpeg's libraries, for machines whose own ffmpeg is old or missing. It is run in a process of its own
 * and does of ffmpeg's command what this worker needs: it describes a file in the same words on stderr, or writes its
 * samples to stdout and the stretches that they consist of, as lines of ffmpeg's `framecrc` format, to descriptor 3.
 */
import { writeSync } from 'node:fs';
import * as av from 'node-av/constants';
import {
  avChannelLayoutDescribe,
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  Frame,
  getFFmpegInfo,
  Log,
  Packet,
  type Stream,
} from 'node-av/lib';
import { FORMAT_WHITELIST } from '../formats.ts';
import { addressOf, ERROR_DETECTION, PROTOCOLS, type Task } from './command.ts';
import { LibavFilter } from './libav-filter.ts';

const STDERR = 2;
const say = (text: string): void => {
  writeSync(STDERR, `${text}\n`);
};

function open({ input }: Task): FormatContext {
  const format = new FormatContext();
  const options = Dictionary.fromObject({
    protocol_whitelist: PROTOCOLS,
    format_whitelist: FORMAT_WHITELIST,
    err_detect: ERROR_DETECTION,
  });
  const opened = format.openInputSync(addressOf(input), null, options);
  if (opened < 0) {
    say(`Error opening input: ${FFmpegError.strerror(opened)}`);
    process.exit(1);
  }
  format.findStreamInfoSync(null);
  return format;
}

/** The stream of sound that is asked for; the others are not read. Each look at a stream gives a new object of it. */
function soundOf(format: FormatContext, track: number): Stream {
  const stream = format.streams.filter(({ codecpar }) => codecpar.codecType === av.AVMEDIA_TYPE_AUDIO)[track];
  for (const other of format.streams) if (other.index !== stream?.index) other.discard = av.AVDISCARD_ALL;
  if (stream) return stream;
  say('There is no stream of sound.');
  process.exit(1);
}

function decoderOf({ codecpar, timeBase }: Stream): CodecContext {
  const codec = Codec.findDecoder(codecpar.codecId);
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.parametersToContext(codecpar);
  decoder.pktTimebase = timeBase;
  decoder.setOption('err_detect', ERROR_DETECTION);
  const opened = codec ? decoder.open2Sync(codec) : -1;
  if (opened >= 0) return decoder;
  say(`Error opening the decoder: ${FFmpegError.strerror(opened)}`);
  process.exit(1);
}

function decodeAll(format: FormatContext, mix: string, track: number): void {
  const stream = soundOf(format, track);
  const decoder = decoderOf(stream);
  const filter = new LibavFilter(stream.timeBase, mix, layoutOf(stream));
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  const receive = () => {
    for (;;) {
      const result = decoder.receiveFrameSync(frame);
      if (result === av.AVERROR_EOF || result === av.AVERROR_EAGAIN) return;
      if (result < 0) return say(`Error while decoding: ${FFmpegError.strerror(result)}`);
      filter.write(frame);
      frame.unref();
    }
  };
  for (;;) {
    const read = format.readFrameSync(packet);
    if (read === av.AVERROR_EAGAIN) continue;
    if (read < 0) {
      if (read !== av.AVERROR_EOF) say(`Error while reading: ${FFmpegError.strerror(read)}`);
      break;
    }
    if (packet.streamIndex === stream.index) {
      const sent = decoder.sendPacketSync(packet);
      if (sent < 0) say(`Error while decoding: ${FFmpegError.strerror(sent)}`);
      receive();
    }
    packet.unref();
  }
  decoder.sendPacketSync(null);
  receive();
  filter.end();
}

const layoutOf = ({ codecpar }: Stream): string => avChannelLayoutDescribe(codecpar.channelLayout) ?? '';

const [, , order] = process.argv;
if (order === 'version') {
  process.stdout.write(`ffmpeg version ${getFFmpegInfo().version}\n`);
} else {
  const task = JSON.parse(order) as Task;
  Log.setLevel(task.mix ? av.AV_LOG_ERROR : av.AV_LOG_INFO);
  const format = open(task);
  if (task.mix) decodeAll(format, task.mix, task.track ?? 0);
  else format.dumpFormat(0, 'the file', false);
  // Nothing is left to be put in order; leaving at once saves it.
  process.exit(task.mix ? 0 : 1);
}
